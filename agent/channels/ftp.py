"""The `ftp` channel: a batch travels over FTP under TLS and appears under its name whole or not at all.

It never appends, overwrites nothing that it can see, and tells no password to a server that did not prove who
it is, unless the settings allow plain FTP. What the server, or the way to it, did becomes one of three things
in `classify`: it may work later, a person must change something, nobody can tell.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path  # noqa: TC003 - pydantic reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from agent.channels.base import one_by_one
from agent.channels.failures import classify
from agent.channels.ftps.delivery import ByRename, Direct
from agent.channels.ftps.failures import TrustError
from agent.channels.ftps.places import Places
from agent.channels.ftps.session import connect
from agent.channels.keeping import KeepingServer, Login
from agent.net.failures import FarError, LostError, PeerError
from agent.net.forms import Port  # noqa: TC001 - pydantic reads annotations at run time
from agent.net.patience import WaitingError
from agent.settings.models import Secret  # noqa: TC001 - the same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent.channels.base import Parcel, Receipt, Sighting
    from agent.channels.ftps.delivery import Delivery
    from agent.errors import ChannelError

_FAILURES = (FarError, WaitingError, OSError)  # of everything below this module
_PORT, _TLS_PORT = 21, 990


def _one_line(text: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):  # noqa: PLR2004 - the control characters of ASCII
        raise ValueError("holds a control character, which would end an FTP command early")
    return text


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("is not the whole path of a file; write one such as /etc/impact-agent/ca.pem")
    return path


class Options(KeepingServer):
    """A destination reached over FTP."""

    type: Literal["ftp"] = "ftp"
    port: Port | None = None  # 21; 990 with `security: tls`
    username: Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
    password: Secret
    security: Literal["starttls", "tls", "none"] = (
        "starttls"  # explicit FTPS (TLS is asked for), implicit FTPS, or with `allow_plain_ftp` only: none
    )
    ca_file: Annotated[Path, AfterValidator(_absolute)] | None = (
        None  # certificates (PEM) trusted instead of the machine's own; the whole path
    )
    allow_plain_ftp: bool = False  # anybody on the way may read password and batches, and change them

    _plain = field_validator("directory", "temp_directory", "processed_directory")(_one_line)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.security == "none") != self.allow_plain_ftp:
            raise ValueError(
                "must have both or neither of 'security: none' and 'allow_plain_ftp: true'; "
                "use starttls or tls where the server offers either"
            )
        if self.ca_file and self.security == "none":
            raise ValueError("has a ca_file but no TLS it could be used for")
        return self

    @property
    def reached(self) -> int:
        """The port that is meant."""
        return self.port or (_TLS_PORT if self.security == "tls" else _PORT)


class Channel:
    """One FTP destination; its connection is kept between parcels and made anew when it is dead.

    Args:
        options: where and how.
        reveal: reads a secret; asked at each login.
        clock: monotonic seconds, for the pause after refused logins and the age of a kept connection.
    """

    def __init__(
        self,
        options: Options,
        reveal: Callable[[Secret], bytes],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._login = Login(options, lambda: connect(options, reveal), clock)

    def look(self, parcel: Parcel) -> Sighting:
        """Look whether an earlier attempt became visible; see `base.Channel`."""
        try:
            with self._login.at_work() as session:
                return Places(session, self._options, parcel).look()
        except _FAILURES as error:
            raise self._verdict(error, visible=False) from error

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Deliver; see `base.Channel`."""
        delivery: Delivery | None = None
        try:
            with self._login.at_work() as session:
                way = Direct if self._options.publish == "direct" else ByRename
                delivery = way(session, Places(session, self._options, parcel), parcel)
                return _sent(delivery, will_publish)
        except _FAILURES as error:
            raise self._verdict(error, visible=delivery is not None and delivery.visible) from error

    def send_all(
        self, parcels: Iterable[Parcel], will_publish: Callable[[Sequence[Parcel]], None]
    ) -> Iterator[Sequence[tuple[Parcel, Receipt | ChannelError]]]:
        """Deliver several, one after the other; see `base.Channel`."""
        return one_by_one(self.send, parcels, will_publish)

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        self._login.close()

    def _verdict(self, error: Exception, *, visible: bool) -> ChannelError:
        if isinstance(error, (LostError, PeerError, TrustError, OSError)):
            self.close()
        return classify(error, visible=visible)


def _sent(delivery: Delivery, will_publish: Callable[[], None]) -> Receipt:
    found = delivery.prepare()
    if found is not None:
        return found
    with ExitStack() as undo:
        undo.callback(delivery.abandon)
        will_publish()
        undo.pop_all()
    return delivery.publish()
