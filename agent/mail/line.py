"""A line to one mail relay that is kept between mails, made anew when it is dead, and patient after refusals."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from agent.mail.failures import RefusedError
from agent.net.failures import REFUSALS
from agent.net.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.mail.message import Message
    from agent.mail.oauth import Tokens
    from agent.mail.relay import Relay
    from agent.mail.session import Session
    from agent.settings.models import Secret


class Line:
    """One relay, used by one thread at a time.

    `dotted` says of the last mail whether its final dot may have left: then only a `RefusedError` proves that
    it was not taken.

    Args:
        relay: where and how.
        reveal: reads a secret; asked at each login.
        clock: monotonic seconds, for the pause after refused logins.
    """

    def __init__(
        self, relay: Relay, reveal: Callable[[Secret], bytes], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.dotted = False
        self._relay = relay
        self._reveal = reveal
        self._login: Kept[Session] = Kept(self._connected, lambda there: there.answers(), REFUSALS, clock)
        self._tokens: Tokens | None = None

    def send(self, message: Message, will_publish: Callable[[], None]) -> str:
        """Send a mail and return the proof in plain words: the server's answer, who it is, the size.

        Args:
            message: what is sent.
            will_publish: called once when all but the final dot has been sent; if it raises, the dot is not.

        Raises:
            FarError: any of `failures.py`.
            WaitingError: the login was refused too often.
            OSError: there is no way to the relay.
        """
        self.dotted = False
        session = self._login.get()
        try:
            reply = session.send(message, will_publish)
        except RefusedError:
            raise
        except BaseException:  # whatever it was: the connection is in the middle of a mail
            self.close()
            raise
        finally:
            self.dotted = session.dotted
        return f"{reply.code} {reply.text}; {message.size} bytes of mail; {session.about}"

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        self._login.close()

    def _connected(self) -> Session:
        from agent.mail.session import connect  # noqa: PLC0415 - only who sends pays for loading smtplib

        return connect(self._relay, self._reveal, self._token_source())

    def _token_source(self) -> Tokens | None:
        if self._relay.oauth is None:
            return None
        if self._tokens is None:
            from agent.mail.oauth import Tokens  # noqa: PLC0415 - as above
            from agent.mail.session import text_of  # noqa: PLC0415 - as above

            self._tokens = Tokens(self._relay.oauth, partial(text_of, reveal=self._reveal))
        return self._tokens
