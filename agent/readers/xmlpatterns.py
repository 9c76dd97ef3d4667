"""Which records of an XML document are written alike: those that differ in plain texts between, and in, the same tags.

A text that fits has no reference but the five of XML itself, no lone CR and no character that XML forbids, so it is
what the parser would give.
Tags have no prefix and declare no namespace, so what they name depends on nothing that stands in a record itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import unescape

from agent.readers.patterns import Pattern, Patterns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLANKS = r"[ \t\n]*(?:\r\n[ \t\n]*)*"
_NAME = "[A-Za-z_][A-Za-z0-9_.-]*"
# The patterns are made of bytes, each as the letter with its number. \xef begins U+FFFE and U+FFFF, which are refused.
_TEXT = r"[^<>&\x00-\x08\x0b-\x1f\xef]*"
_VALUE = r'[^"<>&\x00-\x1f\xef]*'
_FILLED = r"(?=[ \t\n]*[!-%'-;=?-~])"  # what begins with such a character is no layout
_NEVER = "(?!)"
_LAYOUT = " \t\r\n"
_REFERENCE = "&(?:amp|lt|gt|quot|apos);"
_QUOTES = {"&quot;": '"', "&apos;": "'"}
_TAG = re.compile(
    rf"<(?P<leaf>{_NAME})(?:/>|>(?P<within>[^<]*)</(?P=leaf)>)"
    rf'|<(?P<name>{_NAME})(?P<attributes>(?:\s+{_NAME}="[^"<]*")*)(?P<end>\s*/?>)(?:(?P<text>[^<]*)(?P<close></(?P=name)>))?'
    rf"|</{_NAME}\s*>",
    re.ASCII,
)
_ATTRIBUTE = re.compile(rf'(?P<before>\s+(?P<name>{_NAME})=")(?P<within>[^"]*)"', re.ASCII)
_LONE_CR = re.compile(r"\r(?!\n)")


class XmlPatterns(Patterns[bytes]):
    """Those of one document in UTF-8; in a run, blanks stand before each record."""

    def __init__(self, *, off: bool = False) -> None:
        super().__init__(off=off)
        self._referring: set[str] = set()  # names of what a reference was met in

    def _compiled(self, text: bytes, names: tuple[str, ...]) -> Pattern[bytes]:
        letters = text.decode("latin-1")
        one, without_groups = "".join(self._pieces(letters, "(")), "".join(self._pieces(letters, "(?:"))
        run = f"(?:{BLANKS}{without_groups})++"
        one_of_them, more = re.compile(one.encode("latin-1")), re.compile(run.encode("latin-1"))
        return Pattern(one_of_them.match, more.match, names)

    def _pieces(self, text: str, group: str) -> Iterator[str]:
        """Yield what a record consists of: all as it is written but for its values, each in a group."""
        at = 0
        for tag in _TAG.finditer(text):
            between = text[at : tag.start()]
            yield _NEVER if between.strip(_LAYOUT) else re.escape(between)
            at = tag.end()
            if tag["leaf"] and tag.start():
                name = re.escape(tag["leaf"])
                yield f"<{name}(?:/>|>{group}{self._value(tag['leaf'], tag['within'], _TEXT)})</{name}>)"
            elif tag["name"]:
                yield from self._with_attributes(tag, group)
            else:
                yield re.escape(tag[0])
        if text[at:] or _LONE_CR.search(text):
            yield _NEVER

    def _with_attributes(self, tag: re.Match[str], group: str) -> Iterator[str]:
        """Yield a tag by its attributes, and the text behind it where that is all up to the end of the element."""
        yield re.escape(f"<{tag['name']}")
        for attribute in _ATTRIBUTE.finditer(tag["attributes"]):
            name, within = attribute["name"], attribute["within"]
            yield _NEVER if name == "xmlns" else re.escape(attribute["before"])
            yield f'{group}{self._value(name, within, _VALUE)})"'
        yield re.escape(tag["end"])
        if tag["close"]:
            text = self._value(tag["name"], tag["text"], _TEXT)
            yield f"{group}{_FILLED}{text})" if tag["text"].strip(_LAYOUT) else re.escape(tag["text"])
            yield re.escape(tag["close"])

    def _value(self, name: str, within: str | None, plain: str) -> str:
        """Say what texts may stand there, by what stands in the record itself."""
        if "&" in (within or ""):
            self._referring.add(name)
        return f"{plain}(?:{_REFERENCE}{plain})*" if name in self._referring else plain

    def _cells(self, found: re.Match[bytes], pattern: Pattern[bytes]) -> Sequence[str]:
        del pattern
        texts = b"\0".join(found.groups(b"")).decode()
        return (unescape(texts, _QUOTES) if "&" in texts else texts).split("\0")
