"""The `sftp` channel: a batch travels over SSH and appears under its name whole or not at all.

It never overwrites, never appends and never trusts an unpinned host. What the server, or the way to it, did
becomes one of three things in `classify`: it may work later, a person must change something, nobody can
tell.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agent.channels.failures import classify
from agent.channels.keeping import KeepingServer, Login
from agent.channels.ssh import pins
from agent.channels.ssh.delivery import ByRename, Direct, send_together
from agent.channels.ssh.loading import connect
from agent.channels.ssh.places import Places
from agent.channels.ssh.steps import run
from agent.errors import ChannelError
from agent.net.failures import FarError, LostError
from agent.net.forms import Port  # noqa: TC001 - pydantic reads annotations at run time
from agent.net.patience import WaitingError
from agent.settings.models import Secret  # noqa: TC001 - the same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent.channels.base import Parcel, Receipt, Sighting

_FAILURES = (FarError, WaitingError, OSError)  # of everything below this module
_GROUP = 32  # parcels under way side by side: four times as fast as one by one, twice that gains little
_GROUP_SIZE = 2 * 2**20  # bytes of them together; a larger one travels alone


def _host_key(text: str) -> str:
    pins.parse(text)
    return text


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


HostKey = Annotated[str, AfterValidator(_host_key)]


class Options(KeepingServer):
    """A destination reached over SFTP."""

    type: Literal["sftp"] = "sftp"
    port: Port = 22
    username: Annotated[str, Field(min_length=1)]
    password: Secret | None = None  # either this
    private_key: Secret | None = None  # or this: RSA, Ed25519 or ECDSA
    passphrase: Secret | None = None  # of the private key
    host_keys: Annotated[tuple[HostKey, ...], Field(min_length=1), BeforeValidator(_one_or_more)]
    require_strict_kex: bool = False  # refuse servers open to the Terrapin attack

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.password is None) == (self.private_key is None):
            raise ValueError("needs either a password or a private_key")
        if self.passphrase is not None and self.private_key is None:
            raise ValueError("has a passphrase but no private_key it could belong to")
        return self


class Channel:
    """One SFTP destination; its connection is kept between parcels and made anew when it is dead.

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
            with self._login.at_work() as connection:
                return run(connection.wire, Places(connection.wire, self._options, parcel).look())
        except _FAILURES as error:
            raise self._verdict(error, visible=False) from error

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Deliver; see `base.Channel`."""
        (((_, outcome),),) = self.send_all([parcel], lambda _: will_publish())
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def send_all(
        self, parcels: Iterable[Parcel], will_publish: Callable[[Sequence[Parcel]], None]
    ) -> Iterator[list[tuple[Parcel, Receipt | ChannelError]]]:
        """Deliver several, a group at a time travelling side by side; see `base.Channel`."""
        for group in _groups(parcels, 1 if self._options.publish == "direct" else _GROUP):
            yield self._send_group(group, will_publish)

    def _send_group(
        self, parcels: Sequence[Parcel], will_publish: Callable[[Sequence[Parcel]], None]
    ) -> list[tuple[Parcel, Receipt | ChannelError]]:
        way = Direct if self._options.publish == "direct" else ByRename
        try:
            with self._login.at_work() as connection:
                wire = connection.wire
                deliveries = [way(connection, Places(wire, self._options, each), each) for each in parcels]
                outcomes = send_together(connection, deliveries, will_publish)
        except _FAILURES as error:
            raise self._verdict(error, visible=False) from error
        return [
            (each.parcel, self._verdict(end, visible=each.visible) if isinstance(end, FarError) else end)
            for each, end in zip(deliveries, outcomes, strict=True)
        ]

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        self._login.close()

    def _verdict(self, error: Exception, *, visible: bool) -> ChannelError:
        if isinstance(error, (LostError, OSError)):
            self.close()
        return classify(error, visible=visible)


def _groups(parcels: Iterable[Parcel], most: int) -> Iterator[list[Parcel]]:
    group: list[Parcel] = []
    for parcel in parcels:
        if group and (len(group) >= most or sum(each.size for each in group) + parcel.size > _GROUP_SIZE):
            yield group
            group = []
        group.append(parcel)
    if group:
        yield group
