"""Tables beside a feed's template: two columns of texts, from CSV or YAML, each mistake with its line.

A table is a file in templates/, found as templates are. CSV: UTF-8, commas, a first line that names its two
columns. YAML: keys and their values, read as the settings are. Every key stands once.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from agent.errors import SettingsError
from agent.settings.problems import Problem, shown
from agent.settings.shipped import find_template
from agent.settings.tree import Mapping as Keys
from agent.settings.tree import Scalar
from agent.settings.yamltree import open_page, plant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.settings.models import Feed

__all__ = ["read_table", "tables_of"]

_LARGEST = 4 * 2**20  # bytes
_MOST = 100_000  # entries
_LONGEST = 1000  # characters of a key or value
_COLUMNS = 2
_NO_TEXTS: Mapping[str, str] = {}


def tables_of(feed: Feed, folder: Path, texts: Mapping[str, str] = _NO_TEXTS) -> dict[str, dict[str, str]]:
    """Return the entries of a feed's tables, by the name that the template uses; `folder` is that of agent.yaml.

    `texts` are files that were read before, by name; others are read now.

    Raises:
        SettingsError: with every mistake in every table.

    """
    made: dict[str, dict[str, str]] = {}
    problems: list[object] = []
    for name, file in feed.tables.items():
        try:
            made[name] = read_table(file, texts[file].encode() if file in texts else _content(file, folder))
        except OSError as error:
            problems.append(Problem("C-FILE", f"templates/{file}", words=f"cannot be read: {error.strerror}"))
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(tuple(problems))
    return made


def _content(file: str, folder: Path) -> bytes:
    """Return a file's bytes, or the first of too many."""
    with find_template(file, folder).open("rb") as stream:
        return stream.read(_LARGEST + 1)


def read_table(file: str, content: bytes) -> dict[str, str]:
    """Return the entries of a table; `file` is its name below templates/.

    Raises:
        SettingsError: C-TABLE, or what is wrong with the YAML, each with its line.

    """
    page = f"templates/{file}"
    if len(content) > _LARGEST:
        raise _wrong(page, 0, f"the table is larger than {_LARGEST // 2**20} MiB", "part it")
    if file.endswith((".yaml", ".yml")):
        return _checked(page, _yaml_entries(page, content))
    if file.endswith(".csv"):
        return _checked(page, _csv_entries(page, content))
    raise _wrong(page, 0, "a table is a .csv or .yaml file", "rename it, or save it as one")


def _checked(page: str, entries: Iterator[tuple[int, str, str]]) -> dict[str, str]:
    """Look that keys differ, and that nothing is too long or too much."""
    made: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, written, value in entries:
        key = written.strip()
        if key in made:
            raise _wrong(page, line, f"{shown(key)} stands in line {lines[key]} too", "only one can be meant")
        if not key or max(len(key), len(value)) > _LONGEST:
            raise _wrong(page, line, f"a key has 1 to {_LONGEST} characters, a value at most as many")
        if len(made) >= _MOST:
            raise _wrong(page, line, f"the table has more than {_MOST:,} entries")
        made[key], lines[key] = value.strip(), line
    if not made:
        raise _wrong(page, 0, "the table is empty", "write a key and its value on each line")
    return made


def _csv_entries(page: str, content: bytes) -> Iterator[tuple[int, str, str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _wrong(page, line, "this line is not UTF-8", "save the table as UTF-8") from None
    rows = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        for row in rows:
            if row and len(row) != _COLUMNS:
                words = f"a table has two columns; this line has {len(row)}"
                raise _wrong(page, rows.line_num, words, "quote a value that holds a comma")
            if row and rows.line_num > 1:
                yield rows.line_num, row[0], row[1]
    except csv.Error as error:
        raise _wrong(page, rows.line_num, f"the line cannot be read: {error}") from None


def _yaml_entries(page: str, content: bytes) -> Iterator[tuple[int, str, str]]:
    sheet = open_page(page, content)
    root = plant(sheet)
    if problems := sheet.problems():
        raise SettingsError(tuple(problems))
    if not isinstance(root, Keys):
        raise _wrong(page, 0, "the table has no keys", "write `key: value` on each line")
    for key, value in root.entries:
        line = key.span.start.line
        if not isinstance(value, Scalar):
            raise _wrong(page, line, f"{shown(key.text)} has more than one value", "write one text behind it")
        yield line, key.text, "" if value.nothing else value.text


def _wrong(page: str, line: int, words: str, mend: str = "") -> SettingsError:
    return SettingsError((Problem("C-TABLE", page, line, words=words, mend=mend),))
