"""What the demo proves: the receiver has exactly the right bytes, and every row has the end it must have."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agent.cli.demo_scene import ENDS, End, Refused
from agent.feedback.refused import refused_groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from agent.feedback.story import Story

_ALL = 1000  # refused rows that are looked at


def received(folder: Path, *, but: str = "") -> list[bytes]:
    """Return every file the receiver has, hidden and half-written ones too; `but`: a folder that it fills itself."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path.read_bytes() for path in found if not but or folder / but not in path.parents]


def differences(found: Iterable[bytes], times: int, wanted: Sequence[bytes]) -> list[str]:
    """Say how what the receiver has differs from what it must have; `times`: files it was given so far."""
    there, due = Counter(found), Counter(wanted)
    told = [f"The receiver lacks a file of {len(one)} bytes: {one!r}" for one in (due - there).elements()]
    told += [f"The receiver has a file it should not have: {one!r}" for one in (there - due).elements()]
    if times != len(wanted):
        told.append(f"The receiver was given {times} files, not {len(wanted)}.")
    return told


def end_of(story: Story) -> End:
    """Say how a file ended, or where it stands now."""
    deliveries, counts = story.deliveries, story.counts
    refused = (
        Refused(row.order, row.sku, group.code) for group in refused_groups(story, _ALL) for row in group.rows
    )
    return End(
        str(story.submission.state),
        tuple(str(one.batch.state) for one in deliveries),
        sum(one.batch.rows for one in deliveries),
        counts.kept_back,
        counts.skipped,
        tuple(refused),
        tuple(str(answer.stage) for one in deliveries for answer in one.answers),
    )


def wrong_ends(ended: Mapping[str, End]) -> list[str]:
    """Say which files did not end as they must."""
    names = dict.fromkeys([*ENDS, *ended])
    return [
        f"{name} ended otherwise than it must: {ended.get(name)}, not {ENDS.get(name)}"
        for name in names
        if ended.get(name) != ENDS.get(name)
    ]
