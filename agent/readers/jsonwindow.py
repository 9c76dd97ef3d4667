"""A JSON text through a window that slides over it: one value after the other, never the whole file in memory."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, BinaryIO

from agent.readers.base import refusal_at
from agent.readers.jsonvalues import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.errors import RefusedFile
    from agent.readers.encoding import Encoding

_BLOCK = 65_536  # bytes
VALUE_CAP = 4_194_304  # characters of one record
_SIGNS = frozenset('{}[],:"')
_BLANK = frozenset(" \t\n\r")
_BLANKS = re.compile(r"[ \t\n\r]*")


class Window:
    """The part of a text at hand; `at` is where reading stands in it."""

    def __init__(
        self, stream: BinaryIO, encoding: Encoding, decode: Callable[[str, int], tuple[object, int]]
    ) -> None:
        stream.seek(len(encoding.mark))
        self._stream, self._decode = stream, decode
        self._decoder = codecs.getincrementaldecoder(encoding.codec)("strict")
        self._text, self._at = "", 0
        self._line, self._column = 1, 0  # of the text's first character: its line, characters before it there
        self._counted, self._lines = (
            0,
            0,
        )  # up to where line ends in the text were counted, and how many there are
        self._ended = False

    def peek(self) -> str:
        """Return the next character that is no blank, without taking it; "" at the end."""
        while True:
            first, second = self._text[self._at : self._at + 1], self._text[self._at + 1 : self._at + 2]
            if first in _SIGNS:
                return first
            if first in _BLANK and second in _SIGNS:
                self._at += 1
                return second
            self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]  # it always matches
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def take(self, wanted: str) -> str:
        """Take the next character, which must be one of some."""
        found = self.peek()
        if not found or found not in wanted:
            raise self.broken(f"{' or '.join(wanted)} is expected here")
        self._at += 1
        return found

    @property
    def line(self) -> int:
        """The line on which reading stands; must be asked before the next value is taken."""
        self._lines += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line + self._lines

    def value(self) -> tuple[object, str]:
        """Take the next value; return it and its text."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._longer():
                    continue
                raise self.broken(error.msg, error.pos) from None
            except RecursionError:
                raise self.refused("E-DEPTH", f"values are nested more than {DEEPEST} deep") from None
            if end < len(self._text) or not self._longer():
                start, self._at = self._at, end
                return value, self._text[start:end]

    def fitting(self, fit: Callable[[str, int], re.Match[str] | None]) -> re.Match[str] | None:
        """Take the value that begins right here if it fits a pattern; the pattern must tell where it ends."""
        if found := fit(self._text, self._at):
            self._at = found.end()
        return found

    def pass_run(self, run: Callable[[str, int], int]) -> None:
        """Take values that fit a pattern, and the comma behind each; another value must come then."""
        self._at = run(self._text, self._at)

    def passed(self, depth: int = 1) -> None:
        """Take the next value and forget it, however long it is."""
        opened = self.peek()
        if depth > DEEPEST:
            raise self.refused("E-DEPTH", f"values are nested more than {DEEPEST} deep")
        if opened == "[":
            for _ in self.elements():
                self.passed(depth + 1)
        elif opened == "{":
            for _ in self.members():
                self.passed(depth + 1)
        else:
            self.value()

    def elements(self) -> Iterator[None]:
        """Go through a list; the caller takes each value."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        yield
        while self.peek() == ",":
            self._at += 1
            yield
        self.take(",]")

    def members(self) -> Iterator[str]:
        """Go through an object by its names; the caller takes each value."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        yield self._name()
        while self.take(",}") == ",":
            yield self._name()

    def _name(self) -> str:
        if self.peek() != '"':
            raise self.broken("a name in double quotes is expected here")
        name, _ = self.value()
        self.take(":")
        return str(name)

    def _fill(self) -> bool:
        """Let what is behind go and read on; say whether there was more."""
        if self._ended:
            return False
        block = self._stream.read(max(_BLOCK, len(self._text) - self._at))
        if not block:
            self._ended = True
            return False
        gone = self._text[: self._at]
        lines = gone.count("\n")
        self._column = len(gone) - gone.rfind("\n") - 1 if lines else self._column + len(gone)
        self._line += lines
        self._counted = self._lines = 0
        self._text, self._at = self._text[self._at :] + self._decoder.decode(block), 0
        return True

    def _longer(self) -> bool:
        """Read on behind a value that may not be there whole; say whether it is longer now."""
        if self._ended or len(self._text) - self._at > VALUE_CAP:
            return False
        return self._fill()

    def broken(self, words: str, position: int | None = None) -> RefusedFile:
        """Say what is wrong with the text at a position, by line and column."""
        at_end = self._ended and (len(self._text) if position is None else position) >= len(
            self._text.rstrip()
        )
        more = " (the file ends here: is it whole?)" if at_end else ""
        return self.refused("E-JSON", f"{words[:1].lower()}{words[1:]}{more}", position)

    def refused(self, code: str, words: str, position: int | None = None) -> RefusedFile:
        """Refuse the file at a position."""
        before = self._text[: self._at if position is None else position]
        line = self._line + before.count("\n")
        column = len(before) - before.rfind("\n") if "\n" in before else self._column + len(before) + 1
        return refusal_at(
            f"line {line}, column {column}", code, words, "export the file again; it is no whole JSON"
        )
