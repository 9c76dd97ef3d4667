"""The `mail` way: a bulletin is a mail, marked as written by a machine, the report of a file attached.

A mail goes to all of its addressees or to none. One whose fate nobody knows is sent again under the same
Message-ID: rather told twice than not at all.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from agent.mail.addresses import OWN_HEADER, notice_id
from agent.mail.line import Line
from agent.mail.relay import Relay
from agent.net.dialing import unreachable
from agent.net.failures import FarError
from agent.net.patience import WaitingError
from agent.settings.forms import Address  # noqa: TC001 - pydantic reads annotations at run time
from agent.settings.models import Seconds, Secret, WayOptions
from agent.ways.base import WayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.mail.message import Message
    from agent.settings.models import Feed
    from agent.ways.base import Bulletin

_HEADERS = (
    ("Auto-Submitted", "auto-generated"),  # RFC 3834: nobody's machine should answer it
    ("X-Auto-Response-Suppress", "All"),
    OWN_HEADER,
)


class Options(WayOptions, Relay):
    """Notices by mail."""

    type: Literal["mail"] = "mail"
    sender: Address  # also where a relay sends what it cannot deliver; not the mailbox for answers
    operators: tuple[Address, ...] = Field(default=(), max_length=20)  # told of faults, and of nobody's files
    attach_report: bool = True  # the report of a file goes along; it holds what stood in its rows
    idle_timeout: Seconds = 60.0  # without any answer before the final dot
    final_timeout: Seconds = 120.0  # for the answer to the final dot
    deadline: Seconds = 300.0  # for one mail up to its final dot, however busy the server is

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.tells != "files" and not self.operators:
            raise ValueError("needs operators, who are told of faults; or write tells: files")
        return self

    def addressees(self, feed: Feed | None) -> tuple[str, ...] | None:
        """Return who is told of a feed's files (None: of faults); None where nobody is."""
        return (feed.notify if feed else ()) or self.operators or None

    @property
    def with_report(self) -> bool:
        """Whether the report of a file goes along."""
        return self.attach_report


class Way:
    """One relay; its connection is kept between mails.

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

    def send(self, bulletin: Bulletin) -> None:
        """Send a bulletin; see `base.Way`."""
        try:
            self._line.send(_message(bulletin, self._options.sender), lambda: None)
        except OSError as error:
            raise WayError(unreachable(error)) from error
        except (FarError, WaitingError) as error:
            raise WayError(str(error)) from error

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        self._line.close()


def _message(bulletin: Bulletin, sender: str) -> Message:
    from agent.mail.message import Attachment, Letter, Message  # noqa: PLC0415 - only who sends pays for it

    report, attached = bulletin.report, None
    if report is not None:
        attached = Attachment(report.name, report.path, report.size, report.sha256, "text/html")
    return Message(
        Letter(
            sender,
            bulletin.addressees,
            bulletin.subject,
            bulletin.text,
            notice_id(bulletin.id, sender),
            bulletin.made_at,
            attached,
            _HEADERS,
        )
    )
