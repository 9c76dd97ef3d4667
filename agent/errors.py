"""The one tree of errors, and what follows from each.

An error that leaves a room says what the engine does next, as the class attribute `follows`::

    AgentError                    stop
    ├── SettingsError             stop        settings are wrong; nothing runs with them
    ├── LedgerError               stop        the ledger cannot be trusted or written
    ├── SpoolError                stop        bytes at rest cannot be trusted or written
    ├── RefusedFile               refuse      the dropped file cannot be used; the sender must mend it
    ├── WorkerBroke               quarantine  preparing died or ran over its limits (second time: quarantine)
    └── ChannelError              (see below) what a far side did to us
        ├── Transient             defer       try again later
        ├── Permanent             hold        trying again cannot help until a person has changed something
        └── UnknownOutcome        in-doubt    the batch may have become visible

What a row has wrong is no exception but a `Finding`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from agent.model import Finding

Follows = Literal["stop", "refuse", "quarantine", "defer", "hold", "in-doubt"]


class AgentError(Exception):
    """Any error of ours; its text is one plain sentence without secrets or row contents."""

    follows: ClassVar[Follows] = "stop"


class SettingsError(AgentError):
    """Settings are wrong; `problems` holds each mistake with its place."""

    def __init__(self, problems: tuple[object, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class LedgerError(AgentError):
    """The ledger cannot be opened, trusted or written."""


class SpoolError(AgentError):
    """Bytes at rest cannot be written, or are not what the ledger says."""


class RefusedFile(AgentError):  # noqa: N818 - named for what happened to the file
    """The dropped file as a whole cannot be used; `findings` say why."""

    follows: ClassVar[Follows] = "refuse"

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{finding.code}: {finding.words}" for finding in findings))


class WorkerBroke(AgentError):  # noqa: N818 - named for what happened to the worker
    """The preparing process died, ran out of time or memory, or answered nonsense."""

    follows: ClassVar[Follows] = "quarantine"


class ChannelError(AgentError):
    """A far side refused, failed or fell silent; `evidence` is what it said (no secrets)."""

    def __init__(self, words: str, *, evidence: str = "") -> None:
        self.evidence = evidence
        super().__init__(words)


class Transient(ChannelError):  # noqa: N818 - named for what it is
    """It may work later."""

    follows: ClassVar[Follows] = "defer"


class Permanent(ChannelError):  # noqa: N818 - named for what it is
    """It cannot work until a person changes something."""

    follows: ClassVar[Follows] = "hold"


class UnknownOutcome(ChannelError):  # noqa: N818 - named for what it is
    """Nobody can tell whether the batch became visible at the other end."""

    follows: ClassVar[Follows] = "in-doubt"
