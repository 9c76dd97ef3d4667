"""Draws what commands report: tables in colour on a terminal, plain aligned text elsewhere, and JSON.

rich is loaded on a terminal only: it costs more time than a whole plain command. Whatever comes from a file,
a server or a person is made visible first, so it cannot steer the terminal.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING

from agent.feedback.cells import FATE_WORDS, audit_rows, finding_rows, total_rows
from agent.feedback.listing import listed
from agent.feedback.report import render_preview, render_text
from agent.feedback.story import Fate, by_currency
from agent.feedback.verdict import TONE_WORDS, Tone, batch_words, verdict
from agent.feedback.wording import count, moment, number, prose, table, when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TextIO

    from rich.console import Console, RenderableType
    from rich.table import Table

    from agent.feedback.cells import Rows
    from agent.feedback.story import Preview, Story
    from agent.feedback.verdict import Verdict
    from agent.model import AuditEvent

    Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

_WHOLE = ("Submission", "Batch")  # columns to be copied from, never broken
_NAME = 40  # characters of a file name in a table
ROWS = 10  # findings shown of each group; the report has more

_STYLES = {Tone.GOOD: "green", Tone.CARE: "yellow", Tone.BAD: "red", Tone.BUSY: "blue"}


def status(stories: Sequence[Story], out: TextIO | None = None) -> None:
    """Show where submissions stand, one line each."""
    out = out or sys.stdout
    rows = _status_rows(stories)
    if not stories:
        _say("Nothing was dropped yet.\n", out)
    elif not _draws(out):
        _say("\n".join(table(rows, (4, 5), width=None)) + "\n", out)
    else:
        drawn = _table(rows, (4, 5))
        for row, story in zip(drawn.rows, stories, strict=True):
            row.style = _STYLES[verdict(story).tone]
        _console(out).print(drawn)


def show(story: Story, audit: Sequence[AuditEvent] = (), out: TextIO | None = None) -> None:
    """Show one submission's whole story, and its audit in the order given."""
    out = out or sys.stdout
    history = audit_rows(audit, story.zone)
    if not _draws(out):
        _say(render_text(story, ROWS), out)
        _say("\nAUDIT\n-----\n" + "\n".join(table(history)) + "\n" if audit else "", out)
        return
    console = _console(out)
    for part in _story_parts(story):
        console.print(part)
    if audit:
        console.print(_title("Audit"), _table(history), sep="\n")


def preview(told: Preview, out: TextIO | None = None) -> None:
    """Show what would become of a file."""
    out = out or sys.stdout
    text = render_preview(told, ROWS)
    if not _draws(out):
        _say(text, out)
        return
    from rich.text import Text  # noqa: PLC0415 - on a terminal only

    sound = not told.refused and told.counts.rows > 0
    tone = Tone.BAD if told.refused else Tone.GOOD if sound and not told.counts.kept_back else Tone.CARE
    drawn = Text(text)
    drawn.highlight_regex(r"\A=+\n[^=]+=+\n", f"bold {_STYLES[tone]}")
    drawn.highlight_regex(r"(?m)^[A-Z ]+(?=\n-+$)", "bold")
    _console(out).print(drawn)


@contextmanager
def progress(words: str, err: TextIO | None = None) -> Iterator[Callable[[int, int | None], None]]:
    """Show on a terminal how far long work is; yields what to call with how much is done, and of how much."""
    err = err or sys.stderr
    if not _draws(err):
        yield lambda _done, _whole: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - as above

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console(err), transient=True) as bar:
        task = bar.add_task(prose(words), total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


def as_json(value: object) -> Json:
    """Turn dataclasses, tuples, mappings, enums and decimals into what JSON has; the rest becomes text.

    Decimals become text, so that no amount changes; a number that is none (NaN, infinity) becomes null.
    """
    if isinstance(value, Enum):
        return as_json(value.value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return _json_of_many(value)


def _json_of_many(value: object) -> Json:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((as_json(item) for item in value), key=str)
    return str(value)


def story_json(story: Story, audit: Sequence[AuditEvent] = ()) -> Json:
    """Turn a story into JSON, with what it means and its totals by fate."""
    return {
        "submission": as_json(story.submission),
        "verdict": as_json(verdict(story)),
        "batches": as_json(story.deliveries),
        "totals": {fate.name.lower(): as_json(story.totals(fate)) for fate in Fate},
        "findings": as_json(story.groups),
        "files": as_json(story.files),
        "asked": story.asked,
        "audit": as_json(tuple(audit)),
    }


def print_json(value: object, out: TextIO | None = None) -> None:
    """Print a value as JSON; ASCII only, so that every terminal, pipe and parser can take it."""
    _say(json.dumps(as_json(value), indent=2, allow_nan=False) + "\n", out or sys.stdout)


def _key(key: object) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _draws(stream: TextIO) -> bool:
    return stream.isatty() and (stream.encoding or "").lower().replace("-", "") == "utf8"


def _say(text: str, out: TextIO) -> None:
    encoding = out.encoding or "utf-8"
    out.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _console(out: TextIO) -> Console:
    from rich.console import Console  # noqa: PLC0415 - on a terminal only

    return Console(file=out, highlight=False, markup=False, emoji=False)


def _status_rows(stories: Sequence[Story]) -> Rows:
    rows: Rows = [("Submission", "Feed", "File", "How it stands", "Rows sent", "Kept back", "Since")]
    for story in stories:
        submission = story.submission
        sent = sum(total.rows for total in story.totals(Fate.DELIVERED))
        figures = (
            number(sent),
            number(submission.counts.kept_back),
            moment(submission.updated_at, story.zone),
        )
        name = submission.name if len(submission.name) <= _NAME else submission.name[:_NAME] + "…"
        texts = (submission.id, submission.feed, name, verdict(story).headline)
        rows.append((*map(prose, texts), *figures))
    return rows


def _table(rows: Rows, right: Sequence[int] = ()) -> Table:
    from rich import box  # noqa: PLC0415 - on a terminal only
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    drawn = Table(box=box.SIMPLE_HEAD)
    for index, head in enumerate(rows[0]):
        drawn.add_column(
            head, justify="right" if index in right else "left", overflow="fold", no_wrap=head in _WHOLE
        )
    for row in rows[1:]:
        drawn.add_row(*map(Text, row))
    return drawn


def _story_parts(story: Story) -> Iterator[RenderableType]:
    yield _verdict_panel(story, verdict(story))
    for fate in Fate:
        if sums := by_currency(story.totals(fate)):
            yield from (_title(FATE_WORDS[fate]), _table(total_rows(sums), (3, 4)))
    if story.deliveries:
        yield from (_title("Batches"), _table(_batch_rows(story), (2,)))
    for listing in listed(story.groups, story.findings, ROWS):
        group = listing.group
        where = f", column {group.field}" if group.field else ""
        yield _title(f"{listing.title}{where} ({count(group.count, group.severity.value)}, {group.code})")
        if rows := finding_rows(listing):
            yield _table(rows, (0,) if rows[0][0] == "Record" else ())


def _title(text: str) -> RenderableType:
    from rich.text import Text  # noqa: PLC0415 - on a terminal only

    return Text(prose(text), style="bold")


def _verdict_panel(story: Story, judged: Verdict) -> RenderableType:
    from rich.panel import Panel  # noqa: PLC0415 - on a terminal only
    from rich.text import Text  # noqa: PLC0415 - the same

    style = _STYLES[judged.tone]
    lines = [*judged.details, judged.caveat, f"What to do now: {judged.todo}" if judged.todo else ""]
    lines += [f"  {command.line}  ({command.effect})" for command in judged.commands]
    text = Text.assemble((prose(judged.headline), f"bold {style}"))
    for line in filter(None, lines):
        text.append(f"\n{prose(line)}")
    name = Text(prose(f"{story.submission.feed} / {story.submission.name}"))
    return Panel(text, title=name, subtitle=TONE_WORDS[judged.tone], title_align="left", border_style=style)


def _batch_rows(story: Story) -> Rows:
    rows: Rows = [("Batch", "File", "Rows", "How it stands", "Since", "Why")]
    for delivery in story.deliveries:
        batch = delivery.batch
        since = when(batch.updated_at, story.zone)
        texts = (batch_words(delivery), since, batch.reason)
        rows.append((prose(batch.id), prose(batch.name), number(batch.rows), *map(prose, texts)))
    return rows
