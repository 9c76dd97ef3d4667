"""The `smtp` channel: a batch travels as the one attachment of a mail, to all recipients or to none.

A mail that was taken cannot be looked at afterwards: when the answer to the final dot is lost, nobody can
tell. Everything before the dot makes nothing visible. Every attempt sends the same bytes under the same
Message-ID, so that a receiver can know a second one again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from agent.channels import failures
from agent.channels.base import Receipt, Sighting, one_by_one
from agent.mail.addresses import Address, message_id
from agent.mail.failures import RefusedError
from agent.mail.line import Line
from agent.mail.relay import Relay
from agent.mail.texts import Body, Subject, batch_facts, body_of, subject_of
from agent.net.failures import FarError
from agent.net.patience import WaitingError
from agent.settings.forms import FilePattern  # noqa: TC001 - pydantic reads annotations at run time
from agent.settings.models import Destination, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent.channels.base import Parcel
    from agent.errors import ChannelError
    from agent.mail.message import Message

_FAILURES = (FarError, WaitingError, OSError)  # of everything below this module


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _plain_name(pattern: str) -> str:
    if not (pattern.isascii() and pattern.isprintable()) or set(pattern) & set('"\\'):
        raise ValueError("has signs that file names in mails cannot have; use printable ASCII without quotes")
    return pattern


Recipients = Annotated[tuple[Address, ...], Field(min_length=1, max_length=20), BeforeValidator(_one_or_more)]


class Options(Destination, Relay):
    """A destination reached by mail."""

    type: Literal["smtp"] = "smtp"
    sender: Address  # also where a relay sends what it cannot deliver
    recipient: Recipients  # one or several; a batch goes to all of them or to none
    subject: Subject = "{{ name }}"  # a Jinja text; knows name, batch, size, sha256 and made (a time in UTC)
    body: Body = ""  # a Jinja text like the subject, for people; "" = none, the mail holds the file only
    content_type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$")] = (
        "application/octet-stream"  # of the attachment; text/csv if the receiver insists on it
    )
    file_pattern: Annotated[FilePattern, AfterValidator(_plain_name)] = (
        ""  # impact.com's pattern for this connection: * any run, ? one character
    )


class Channel:
    """One destination by mail; its connection is kept between parcels and made anew when it is dead.

    Args:
        options: where and how.
        reveal: reads a secret; asked at each login.
        clock: monotonic seconds, for the pause after refused logins.
    """

    def __init__(
        self,
        options: Options,
        reveal: Callable[[Secret], bytes],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._line = Line(options, reveal, clock=clock)

    def look(self, parcel: Parcel) -> Sighting:
        """Say that a mail cannot be looked for; see `base.Channel`."""
        return Sighting(
            None, f"a mail that was sent cannot be looked at; its Message-ID is {self._id(parcel)}"
        )

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Deliver; see `base.Channel`."""
        try:
            message = self._message(parcel)
        except FarError as error:
            raise classify(error) from error
        try:
            proof = self._line.send(message, will_publish)
        except _FAILURES as error:
            raise classify(error, visible=self._line.dotted) from error
        return Receipt("accepted", f"{proof}; {parcel.size} bytes of batch; Message-ID {self._id(parcel)}")

    def send_all(
        self, parcels: Iterable[Parcel], will_publish: Callable[[Sequence[Parcel]], None]
    ) -> Iterator[Sequence[tuple[Parcel, Receipt | ChannelError]]]:
        """Deliver several, one after the other; see `base.Channel`."""
        return one_by_one(self.send, parcels, will_publish)

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        self._line.close()

    def _id(self, parcel: Parcel) -> str:
        return message_id(parcel.batch, self._options.sender)

    def _message(self, parcel: Parcel) -> Message:
        from agent.mail.message import Attachment, Letter, Message  # noqa: PLC0415 - only who sends pays for it

        options = self._options
        facts = batch_facts(parcel.name, parcel.batch, parcel.size, parcel.sha256, parcel.made_at)
        return Message(
            Letter(
                options.sender,
                options.recipient,
                subject_of(options.subject, facts),
                body_of(options.body, facts),
                self._id(parcel),
                parcel.made_at,
                Attachment(parcel.name, parcel.path, parcel.size, parcel.sha256, options.content_type),
                (("X-Batch-SHA256", parcel.sha256),),
            )
        )


def classify(error: Exception, *, visible: bool = False) -> ChannelError:
    """Decide what follows from a failure.

    Args:
        error: what went wrong, from the mail room or the socket.
        visible: whether the final dot may have left before it went wrong.
    """
    refused = isinstance(error, RefusedError)  # also of the dot: a definite no
    return failures.classify(error, visible=visible and not refused)
