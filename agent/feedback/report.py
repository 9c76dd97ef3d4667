"""Draws a story as a report: one self-contained HTML page, or plain text of at most 100 columns.

The looks are in the templates beside this module. Whatever a template prints passes `prose`, so nothing
from a file reaches a page or a terminal unseen; the HTML one escapes besides. Memory is bounded by the caps
of listing.py.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from agent.feedback import cells, wording
from agent.feedback.listing import ROWS, listed
from agent.feedback.refused import refused_groups, refused_rows
from agent.feedback.story import Fate, by_currency
from agent.feedback.verdict import TONE_WORDS, batch_tone, batch_words, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Protocol

    from agent.feedback.story import Preview, Story

    class Target(Protocol):
        """Something text can be written to; it takes UTF-8."""

        def write(self, text: str, /) -> object:
            """Take a piece of the report."""


_PIECES = 200  # pieces of the page joined before they are written
_NAMES = 20  # columns of the names of facts

_SIGNS = re.compile(r"\[(?:U\+[0-9A-F]{4,6}|NUL|TAB|LF|CR|ESC|NBSP|space|\d+ spaces)\]")


class _Drawn(str):
    """Lines of text whose values are visible already."""

    __slots__ = ()


def render_text(story: Story, cap: int = ROWS, width: int = wording.WIDTH) -> str:
    """Draw a story as text of `width` columns, at most `cap` rows of each group of findings."""
    return "".join(_pieces("report.txt.j2", story, cap, width))


def write_html(story: Story, target: Target, cap: int = ROWS) -> None:
    """Write a story as one HTML page, at most `cap` rows of each group of findings."""
    for piece in _pieces("report.html.j2", story, cap, wording.WIDTH):
        target.write(piece)


def render_preview(preview: Preview, cap: int = 20, width: int = wording.WIDTH) -> str:
    """Draw a preview as text of `width` columns, at most `cap` rows of each group of findings."""
    groups = listed(preview.groups, preview.findings, cap)
    template = _environment(width).get_template("preview.txt.j2")
    return template.render(preview=preview, groups=groups, sums=by_currency(preview.totals))


def _pieces(template: str, story: Story, cap: int, width: int) -> Iterator[str]:
    stream = (
        _environment(width)
        .get_template(template)
        .stream(
            story=story,
            verdict=verdict(story),
            sums={fate: sums for fate in Fate if (sums := by_currency(story.totals(fate)))},
            priced=any(total.amount is not None for total in story.totals()),
            groups=listed(story.groups, story.findings, cap),
            refused=refused_groups(story, cap),
        )
    )
    stream.enable_buffering(_PIECES)
    yield from stream


@cache
def _environment(width: int) -> Environment:
    environment = Environment(
        loader=PackageLoader("agent.feedback", ""),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalized,
    )
    environment.filters |= _filters(width)
    environment.globals |= _GLOBALS | {"rule": "=" * width}
    return environment


def _filters(width: int) -> dict[str, Callable[..., object]]:
    """Return what templates write values with; text is set into `width` columns."""
    return {
        "amount": wording.amount,
        "breakable": _breakable,
        "count": wording.count,
        "fact": partial(_fact, width=width),
        "fold": partial(_folded, width=width),
        "heading": _heading,
        "machine_time": wording.machine_time,
        "marked": _marked,
        "number": wording.number,
        "size": wording.size,
        "table": partial(_table, width=width),
        "when": wording.when,
    }


def _finalized(printed: object) -> object:
    if isinstance(printed, Markup | _Drawn) or not isinstance(printed, str):
        return printed
    return wording.prose(printed)


def _folded(text: str, indent: int = 0, *, width: int) -> _Drawn:
    return _set(wording.fold(wording.prose(text), width - indent), indent)


def _fact(text: str, name: str, *, width: int) -> _Drawn:
    first, *more = wording.fold(wording.prose(text), width - _NAMES)
    return _set((f"{name:{_NAMES}}{first}", *(" " * _NAMES + line for line in more)))


def _heading(text: str) -> _Drawn:
    return _set((text.upper(), "-" * len(text)))


def _table(rows: cells.Rows, right: Sequence[int], indent: int = 0, *, width: int) -> _Drawn:
    return _set(wording.table(rows, right, width - indent), indent)


def _set(lines: Iterator[str] | Sequence[str], indent: int = 0) -> _Drawn:
    return _Drawn("\n".join(" " * indent + line for line in lines))


def _marked(shown: str) -> Markup:
    """Set the signs that stand for unseen characters apart from the text, for the eye."""
    return Markup(_SIGNS.sub(r'<span class="sign">\g<0></span>', str(escape(shown))))  # noqa: S704 - escaped here


def _breakable(name: str) -> Markup:
    """Let a name of words and underlines break behind each underline."""
    return Markup("_<wbr>").join(map(escape, wording.prose(name).split("_")))


def _share(part: int, whole: int) -> float:
    """Return a part in per cent, for the width of a bar; what is there at all can be seen."""
    return round(max(100 * part / whole, 0.6), 2) if part > 0 and whole > 0 else 0.0


_GLOBALS = {
    "amount_words": cells.AMOUNT_WORDS,
    "answer_words": cells.answer_words,
    "attempt_words": cells.attempt_words,
    "attempts": cells.last_attempts,
    "batch_tone": batch_tone,
    "batch_words": batch_words,
    "fate_words": cells.FATE_WORDS,
    "detected_facts": cells.detected_facts,
    "finding_rows": cells.finding_rows,
    "full_list": cells.full_list,
    "inside_rows": cells.inside_rows,
    "no_currency": cells.NO_CURRENCY,
    "origin_words": cells.origin_words,
    "place": cells.place,
    "preview_rows": cells.preview_rows,
    "refused_rows": refused_rows,
    "sent_words": cells.sent_words,
    "severity_words": cells.SEVERITY_WORDS,
    "share": _share,
    "tone_words": TONE_WORDS,
    "total_rows": cells.total_rows,
    "wrong_words": cells.WRONG_WORDS,
}
