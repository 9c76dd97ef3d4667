"""Checks a feed's template and rules without any file: what can be known before the first drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agent.errors import SettingsError
from agent.impact.rules import RefusedHeader, row_rules
from agent.mapping.dates import DateReader
from agent.mapping.mapping import FeedTemplate
from agent.mapping.problems import TemplateRefusedError
from agent.settings.shipped import find_template
from agent.settings.tables import tables_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.settings.models import Feed


def template_text(name: str, folder: Path) -> str:
    """Return the text of a template; `folder` is that of agent.yaml.

    Raises:
        SettingsError: it cannot be found or read.

    """
    path = find_template(name, folder)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError((f"templates/{name}: C-FILE cannot be read: {why}",)) from error


def feed_problems(feed: Feed, folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Every mistake in a feed's template, layout and rules, each as one line with its place.

    `texts` are templates by name, as they were read.
    """
    try:
        path = find_template(feed.template, folder)
        template = feed_template(feed, texts[feed.template], tables_of(feed, folder, texts))
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    except TemplateRefusedError as error:
        return [
            _placed(path, problem.line, problem.code, problem.words, problem.mend)
            for problem in error.problems
        ]
    try:
        row_rules(
            feed.level,
            template.header,
            codes=feed.codes,
            currency=feed.currency,
            max_amount=feed.max_amount,
            personal=feed.personal,
        )
    except RefusedHeader as error:
        line = template.layout.header_line
        return [_placed(path, line, fault.code, fault.words, fault.mend) for fault in error.faults]
    return _layout_problems(feed, folder, texts)


def feed_template(
    feed: Feed, text: str, tables: Mapping[str, Mapping[str, str]], now: float = 0.0
) -> FeedTemplate:
    """Read a feed's template.

    `tables` are the entries of its tables, by name; `now` is when the file came, UTC epoch seconds (0: there is none).

    Raises:
        TemplateRefusedError: it has mistakes.
    """
    return FeedTemplate(
        text,
        {**feed.variables, "name": feed.name},
        numbers=feed.numbers,
        dates=DateReader(feed.dates, now),
        reasons=feed.reasons,
        tables=tables,
    )


def _layout_problems(feed: Feed, folder: Path, texts: Mapping[str, str]) -> list[str]:
    if not feed.layout:
        return []
    try:
        path = find_template(feed.layout, folder)
        ImmutableSandboxedEnvironment().parse(texts[feed.layout])
    except SettingsError as error:
        return [str(error)]
    except TemplateSyntaxError as error:
        return [_placed(path, error.lineno, "T-SYNTAX", f"the layout cannot be read: {error.message}", "")]
    return []


def _placed(path: Path, line: int, code: str, words: str, mend: str) -> str:
    tail = f"; {mend}" if mend else ""
    return f"{path.parent.name}/{path.name}:{line}: {code} {words}{tail}"
