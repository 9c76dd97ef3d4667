"""A login that is kept from one use to the next, made anew when it is dead, and left alone after refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from agent.net.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable


class Closing(Protocol):
    """What can be let go of; it never raises, and may be let go of twice."""

    def close(self) -> None:
        """Let go of it."""


T = TypeVar("T", bound=Closing)


class Kept(Generic[T]):
    """One login at one server; used by one thread, but closed by any.

    Args:
        connect: makes a new one.
        answers: tells whether the one there still lives.
        refusals: the errors of `connect` that count as a refused login.
        clock: monotonic seconds, for the pause after refused logins.
    """

    def __init__(
        self,
        connect: Callable[[], T],
        answers: Callable[[T], bool],
        refusals: tuple[type[Exception], ...],
        clock: Callable[[], float],
    ) -> None:
        self._connect, self._answers, self._refusals = connect, answers, refusals
        self._patience = Patience(clock)
        self._login: T | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is one that was not let go of."""
        return self._login is not None

    def get(self) -> T:
        """Return the one there, if it still lives, or a new one.

        Raises:
            WaitingError: the login was refused too often.
            Exception: whatever `connect` raises.
        """
        login = self._login
        if login is not None and self._answers(login):
            return login
        self.close()
        self._patience.check()
        try:
            login = self._login = self._connect()
        except self._refusals:
            self._patience.refused()
            raise
        self._patience.accepted()
        return login

    def close(self) -> None:
        """Let go of the one there; never raises, safe to call twice."""
        login, self._login = self._login, None
        if login is not None:
            login.close()
