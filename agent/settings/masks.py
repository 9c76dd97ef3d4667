"""What must not be shown of a settings file: secrets that stand in it against the rules.

A message shows the line it is about, and a mistake may stand on the line of a secret, or be one. So whatever
may be a secret is hidden before the first message is made; hiding too much costs a look into the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.settings.problems import Place, Span, nearest
from agent.settings.tree import Mapping, Scalar, Sequence, scalars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.settings.problems import Page
    from agent.settings.tree import Node

__all__ = ["REFERENCES", "by_look", "by_name", "hide_all", "hide_secret", "hide_values", "resembles_secret"]

REFERENCES = ("credential", "file", "env")  # the keys of a secret's reference; they may be shown
# Every pattern is bounded, so that a long line costs no more than its length.
_WORDS = "passw|passphrase|pwd|secret|token|private"
_SECRET_NAME = re.compile(rf"{_WORDS}|credential|(?:^|[-_ ])key$|auth$", re.IGNORECASE)
_SECRETS = ("password", "passphrase", "private_key", "secret", "token", "api_key")
_FARTHEST = 1000  # lines above a mistake that are looked at for what the line belongs to
_KEY = re.compile(r"(?<![\w-])(?P<key>[\w-]{1,64})[\"']?\s{0,8}[:=]")
_REFERENCE = re.compile(r"\s{0,99}(\{\s{0,8})?(credential|file|env)\s{0,8}:", re.IGNORECASE)
_IN_TEXT = re.compile(
    rf"(?:{_WORDS})\w{{0,64}}\s{{0,8}}[:=]\s{{0,8}}\S|PRIVATE KEY|://[^/\s:@]{{0,99}}:[^/\s@]{{1,99}}@",
    re.IGNORECASE,
)
_PROPERTIES = re.compile(r"[&!]\S*(\s{1,8}[&!]\S*)?")


def hide_all(page: Page, node: Node) -> None:
    """Hide every text of a tree."""
    for scalar in scalars(node):
        page.hide(scalar.span)
    _hide_properties(page, node)


def hide_values(page: Page, node: Node) -> None:
    """Hide whatever stands behind the keys of a tree, however they are called."""
    for _, value in _entries(node):
        hide_all(page, value)


def by_name(page: Page, root: Node) -> None:
    """Hide what stands behind keys that are named like secrets, and texts that look like one."""
    for scalar in scalars(root):
        if isinstance(scalar, Scalar) and _IN_TEXT.search(scalar.text):
            page.hide(scalar.span)
    for key, value in _entries(root):
        if _SECRET_NAME.search(key.text):
            hide_secret(page, value)


def hide_secret(page: Page, node: Node) -> None:
    """Hide what stands where a secret's reference should; of a mapping all but the names of references."""
    if not isinstance(node, Mapping):
        hide_all(page, node)
        return
    _hide_properties(page, node)
    for key, value in (*node.entries, *node.repeats):
        if not nearest(key.text, REFERENCES):
            page.hide(key.span)
        hide_all(page, value)


def by_look(page: Page) -> None:
    """Hide what may be a secret on the lines that messages show, in a file that cannot be parsed."""
    for number in page.mistaken_lines():
        _hide_on(page, number)


def _hide_on(page: Page, number: int) -> None:
    line = page.lines[number - 1]
    above = page.lines[max(0, number - _FARTHEST) : number - 1]
    in_key_file = "-----BEGIN" in line or _open_armour(above)
    if in_key_file or (_belongs_to_secret(line, above) and not _REFERENCE.match(line)):
        page.hide(Span(Place(number, 1), Place(number, len(line) + 1)))
        return
    for found in _KEY.finditer(line):
        if resembles_secret(found["key"]) and not _REFERENCE.match(line, found.end()):
            page.hide(Span(Place(number, found.end() + 1), Place(number, len(line) + 1)))
            return


def resembles_secret(key: str) -> bool:
    """Tell whether a key is named like a secret, or like a slip of the finger for one."""
    return bool(_SECRET_NAME.search(key) or nearest(key, _SECRETS))


def _open_armour(above: list[str]) -> bool:
    """Tell whether a key file that began above has not ended."""
    marks = (line for line in reversed(above) if "-----BEGIN" in line or "-----END" in line)
    return "-----BEGIN" in next(marks, "")


def _belongs_to_secret(line: str, above: list[str]) -> bool:
    """Tell whether one of the keys that a line stands below is a secret's."""
    indent = _indent(line)
    for upper in reversed(above):
        if indent == 0:
            return False
        if upper.strip() and _indent(upper) < indent:
            indent = _indent(upper)
            if any(resembles_secret(found["key"]) for found in _KEY.finditer(upper)):
                return True
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _hide_properties(page: Page, node: Node) -> None:
    """Hide the anchor and the tag before a mapping or list; a text's own belong to its span."""
    if isinstance(node, Mapping | Sequence):
        line, column = node.span.start
        if found := _PROPERTIES.match(page.lines[line - 1], column - 1):
            page.hide(Span(node.span.start, Place(line, found.end() + 1)))


def _entries(node: Node) -> Iterator[tuple[Scalar, Node]]:
    match node:
        case Mapping():
            for key, value in (*node.entries, *node.repeats):
                yield key, value
                yield from _entries(value)
        case Sequence():
            for item in node.items:
                yield from _entries(item)
        case _:
            return
