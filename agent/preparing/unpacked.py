"""What goes into a process that takes an archive apart and what comes out: values that survive a trip through JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.model import Fault


@dataclass(frozen=True, slots=True)
class Unpacking:
    """One archive to take apart. Paths are absolute."""

    source: Path
    scratch: Path  # an empty private folder; what is inside the archive is put there
    feed: str
    patterns: tuple[str, ...]  # names that the feed takes
    max_size: int  # bytes of the largest file that the feed takes

    def to_json(self) -> str:
        """Write as one line of JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Unpacking:
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        paths = {name: Path(raw[name]) for name in ("source", "scratch")}
        return cls(**{**raw, **paths, "patterns": tuple(raw["patterns"])})


@dataclass(frozen=True, slots=True)
class Member:
    """One file inside an archive; its names are data that nobody vouches for, printable and cut."""

    name: str  # without folders
    path: str  # with folders
    size: int  # as the archive tells it
    file: str = ""  # name in the scratch folder; "" where it was not unpacked
    fault: Fault | None = None  # why it is not taken


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was inside an archive: nothing at all where the file is no archive."""

    members: tuple[Member, ...] = ()
    left_out: tuple[str, ...] = ()  # names ignored by rule, printable and cut
    refused: tuple[Fault, ...] = ()  # why none of it is taken

    def to_json(self) -> str:
        """Write as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Unpacked:
        """Read what `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: it was something else.
        """
        raw = json.loads(text)
        return cls(
            tuple(_member(one) for one in raw["members"]),
            tuple(raw["left_out"]),
            tuple(Fault(**one) for one in raw["refused"]),
        )


def _member(raw: dict[str, object]) -> Member:
    fault = raw["fault"]
    return Member(**{**raw, "fault": Fault(**fault) if isinstance(fault, dict) else None})  # type: ignore[arg-type]  # by to_json
