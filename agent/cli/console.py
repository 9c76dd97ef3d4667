"""Draws what commands report: tables in colour on a terminal, plain aligned text elsewhere, and JSON.

rich is loaded on a terminal only: it costs more time than a whole plain command. Whatever comes from a file,
a server or a person is made visible first, so it cannot steer the terminal.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import sys
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, cast

from agent.feedback.cells import audit_lines
from agent.feedback.report import render_preview, render_text
from agent.feedback.story import Fate
from agent.feedback.verdict import Tone, verdict
from agent.feedback.wording import WIDTH, columns, count, moment, number, prose, table
from agent.states import SubmissionState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TextIO

    from rich.console import Console

    from agent.feedback.cells import Rows
    from agent.feedback.story import Inside, Preview, Story
    from agent.model import Acknowledgement, AuditEvent, Notice

    Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

_ASIDE = (SubmissionState.REJECTED, SubmissionState.QUARANTINED)
_FIGURES = (4, 5)  # columns of the status that hold numbers
_LATEST = 5  # acknowledgements named
_NAME = 40  # characters of a file name in a table
ROWS = 10  # findings shown of each group; the report has more

_STYLES = {Tone.GOOD: "green", Tone.CARE: "yellow", Tone.BAD: "red", Tone.BUSY: "blue"}


def status(
    stories: Sequence[Story], out: TextIO | None = None, *, empty: str = "Nothing was dropped yet."
) -> None:
    """Show where submissions stand: one line each, or two on a terminal too narrow for that."""
    out = out or sys.stdout
    rows = _status_rows(stories)
    lines = table(rows, _FIGURES, width=None)
    if not stories:
        _say(f"{empty}\n", out)
    elif not _draws(out):
        _say("\n".join(lines) + "\n", out)
    elif max(map(columns, lines)) <= _console(out).width:
        _draw("\n".join(lines), [_STYLES[verdict(story).tone] for story in stories], out)
    else:
        _status_list(stories, rows, out)


def unmatched(found: Sequence[Acknowledgement], out: TextIO | None = None) -> None:
    """Say what came back that speaks of no batch of ours, the last few by name."""
    if not found:
        return
    out = out or sys.stdout
    came = count(len(found), "acknowledgement")
    _say(f"\n{came} named no batch of this agent, kept in the state folder; the latest:\n", out)
    for one in found[-_LATEST:]:
        _say(f"  {moment(one.fetched_at, None)}  {prose(one.name)}  {one.path}\n", out)


def untold(late: Mapping[str, Sequence[Notice]], out: TextIO | None = None) -> None:
    """Say by which way people could not be told, how much and since when."""
    out = out or sys.stdout
    for way, notices in late.items():
        since = moment(notices[0].owed_at, None)
        _say(f"\nPeople could not be told of {count(len(notices), 'thing')} by {way} since {since};", out)
        _say(" the agent's log says why.\n", out)


def show(story: Story, audit: Sequence[AuditEvent] = (), out: TextIO | None = None) -> None:
    """Show one submission's whole story, and its audit in the order given."""
    out = out or sys.stdout
    width = min(_console(out).width, WIDTH) if _draws(out) else WIDTH
    text = render_text(story, ROWS, width)
    if audit:
        text += "\n".join(["", "AUDIT", "-----", *audit_lines(audit, story.zone, width), ""])
    _report(text, verdict(story).tone, out)


def preview(told: Preview, out: TextIO | None = None) -> None:
    """Show what would become of a file."""
    out = out or sys.stdout
    width = min(_console(out).width, WIDTH) if _draws(out) else WIDTH
    sound = not told.refused and told.counts.rows > 0
    tone = Tone.BAD if told.refused else Tone.GOOD if sound and not told.counts.kept_back else Tone.CARE
    _report(render_preview(told, ROWS, width), tone, out)


def preview_inside(name: str, many: int, left_out: Sequence[str], out: TextIO | None = None) -> None:
    """Say of an archive that its files are looked at each by itself."""
    out = out or sys.stdout
    inside = count(many, "file")
    _say(prose(f"{name} would be taken apart: {inside} inside, each a submission of its own.") + "\n", out)
    if left_out:
        _say(prose(f"Left out by rule: {', '.join(left_out)}.") + "\n", out)


@contextmanager
def progress(words: str, err: TextIO | None = None) -> Iterator[Callable[[int, int | None], None]]:
    """Show on a terminal how far long work is; yields what to call with how much is done, and of how much.

    Nothing shows before the first call.
    """
    err = err or sys.stderr
    if not _draws(err):
        yield lambda _done, _whole: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - as above

    figures = TextColumn("{task.completed:,.0f} records")
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), figures, TimeElapsedColumn())
    bar = Progress(*columns, console=_console(err), transient=True)
    task = bar.add_task(prose(words), total=None)

    def tell(done: int, whole: int | None) -> None:
        bar.start()  # once; after that it does nothing
        bar.update(task, completed=done, total=whole)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()


class _Errors(io.TextIOBase):
    """Standard error as it is at each line: while progress is drawn, lines go above it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


def errors() -> TextIO:
    """Return standard error for lines that may come while progress is drawn."""
    return cast("TextIO", _Errors())


def stands(story: Story) -> str:
    """Say how a submission stands in one line; of what was set aside also why."""
    headline, reason = verdict(story).headline, story.submission.reason
    if not reason or story.submission.state not in _ASIDE:
        return headline
    return f"{headline}{';' if ':' in headline else ':'} {reason}"


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
        "archive": _origin_json(story),
        "inside": [_inside_json(one) for one in story.inside],
        "asked": story.asked,
        "audit": as_json(tuple(audit)),
    }


def _origin_json(story: Story) -> Json:
    archive, submission = story.archive, story.submission
    if archive is None:
        return None
    return {"submission": archive.id, "name": archive.name, "member": submission.member}


def _inside_json(inside: Inside) -> Json:
    one = inside.submission
    facts = {"submission": one.id, "name": one.name, "member": one.member, "state": one.state}
    return {**facts, "reason": one.reason}


def preview_json(told: Preview) -> Json:
    """Turn a preview into JSON; its findings are those in the groups."""
    form = as_json(dataclasses.replace(told, findings=None))
    return {**form, "unused_columns": as_json(told.unused)} if isinstance(form, dict) else {}


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


def _report(text: str, tone: Tone, out: TextIO) -> None:
    """Write a report; on a terminal its headline has the verdict's colour, and headings stand out."""
    if not _draws(out):
        _say(text, out)
        return
    from rich.text import Text  # noqa: PLC0415 - on a terminal only

    drawn = Text(text)
    drawn.highlight_regex(r"\A=+\n[^=]+=+\n", f"bold {_STYLES[tone]}")
    drawn.highlight_regex(r"(?m)^[A-Z ]+(?=\n-+$)", "bold")
    _console(out).print(drawn, end="")


def _draw(text: str, styles: Sequence[str], out: TextIO) -> None:
    """Draw a table whose first two lines are its header, each other line in its style."""
    from rich.text import Text  # noqa: PLC0415 - on a terminal only

    for line, style in zip(text.split("\n"), ("bold", "", *styles), strict=True):
        _console(out).print(Text(line, style))


def _status_list(stories: Sequence[Story], rows: Rows, out: TextIO) -> None:
    from rich.text import Text  # noqa: PLC0415 - on a terminal only

    for story, (identity, feed, name, stands, sent, kept, since) in zip(stories, rows[1:], strict=True):
        said = f"{count(int(sent.replace(',', '')), 'row')} sent, {kept} kept back, since {since}"
        _console(out).print(Text.assemble((identity, "bold"), f"  {feed} / {name}"))
        _console(out).print(Text(f"  {stands}", _STYLES[verdict(story).tone]))
        _console(out).print(Text(f"  {said}"))


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
        texts = (submission.id, submission.feed, name, stands(story))
        rows.append((*map(prose, texts), *figures))
    return rows
