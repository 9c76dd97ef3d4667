"""What channels to servers that keep files share, whatever is spoken there: settings, and a login that is kept."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Literal, Protocol, Self, TypeVar

from pydantic import model_validator

from agent.net.failures import REFUSALS, FarError
from agent.net.forms import Host  # noqa: TC001 - pydantic reads annotations at run time
from agent.net.kept import Closing, Kept
from agent.settings.models import Destination, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.net.watchdog import Watchdog

__all__ = ["KeepingServer", "Login"]

_PROBE_AFTER = 10.0  # seconds a kept connection may be idle before it is asked whether it still lives
_PROBE_TIME = 5.0


class KeepingServer(Destination):
    """A destination where files stay under names; a channel adds its port, its login and what it alone has."""

    host: Host
    directory: str = ""  # where files are delivered; "" = where the login starts
    temp_directory: str = ""  # where they are while they travel; "" = the same folder, under a hidden name
    publish: Literal["rename", "direct"] = (
        "rename"  # direct: for servers that cannot rename; a half is visible
    )
    look: bool = True  # false: the server may not be asked whether a file is there
    sweeps: bool = True  # the server takes files away, so that a missing file proves nothing
    processed_directory: str = ""  # where the server puts the files it took, when the agent may list it
    connect_timeout: Seconds = 30.0  # for each connection, and again for greeting and login
    idle_timeout: Seconds = 60.0  # without any answer
    deadline: Seconds = 900.0  # for one batch, however busy the server is
    keepalive: Seconds = 30.0  # between signs of life on an idle connection

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if not (self.connect_timeout and self.idle_timeout and self.deadline):
            raise ValueError("needs deadlines longer than 0s: connect_timeout, idle_timeout and deadline")
        return self


class Session(Closing, Protocol):
    """A connection that is logged in."""

    watch: Watchdog

    @property
    def alive(self) -> bool:
        """Whether nobody has noticed yet that it is dead."""

    @property
    def quiet(self) -> bool:
        """Whether nothing has come in unasked: it might be the end, only not noticed yet."""

    def probe(self) -> None:
        """Ask something harmless, to learn whether the server still answers.

        Raises:
            FarError: it does not.
        """


S = TypeVar("S", bound=Session)


class Login(Generic[S]):
    """One login at one server, kept between parcels and made anew when it is dead.

    Args:
        server: whose deadlines count.
        connect: makes a new session.
        clock: monotonic seconds, for the pause after refused logins and the age of a kept connection.
    """

    def __init__(self, server: KeepingServer, connect: Callable[[], S], clock: Callable[[], float]) -> None:
        self._server, self._clock = server, clock
        self._kept = Kept(connect, self._answers, REFUSALS, clock)
        self._used = 0.0

    @contextmanager
    def at_work(self) -> Iterator[S]:
        """Give a living session for one piece of work, under the server's deadlines.

        Raises:
            WaitingError: the login was refused too often.
            Exception: whatever `connect` raises.
        """
        session = self._kept.get()
        session.watch.begin(self._server.deadline, self._server.idle_timeout)
        try:
            yield session
        finally:
            session.watch.end()
            self._used = self._clock()

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        self._kept.close()

    def _answers(self, session: S) -> bool:
        if not session.alive:
            return False
        if session.quiet and self._clock() - self._used < _PROBE_AFTER:
            return True
        try:
            session.watch.begin(_PROBE_TIME, _PROBE_TIME)
            session.probe()
        except FarError:
            return False
        return True
