"""Expat with what makes it safe: document types are refused, and with them every entity.

Expat with handlers of our own rather than defusedxml, which lets a plain document type pass by default and asks Python
about each, at twice the price for the same safety. What is no XML leaves as a refusal with its line and column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

from agent.readers.base import refusal, refusal_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import RefusedFile

DEEPEST = 256  # elements inside one another
BLOCK = 65_536
AGAIN = "export the file again; it is no whole XML"
_WRONG_ENCODING = (
    expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
    expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
)


class Parser:
    """A parser of one document; the names that handlers get are "namespace name"."""

    def __init__(
        self,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
    ) -> None:
        self._expat = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = self._refuse_type

    @property
    def line(self) -> int:
        """The line that is parsed, from 1."""
        return self._expat.CurrentLineNumber

    @property
    def byte(self) -> int:
        """The byte that is parsed, from 0."""
        return self._expat.CurrentByteIndex

    def parse(self, block: bytes, *, ended: bool = False) -> None:
        """Parse the next bytes of the document; `ended`: they are the last.

        Raises:
            RefusedFile: E-XML, E-ENC, Q-DTD, or what a handler raises.

        """
        try:
            self._expat.Parse(block, ended)
        except expat.ExpatError as error:
            raise _broken(error) from None
        except (
            LookupError,
            ValueError,
        ) as error:  # an encoding that expat does not read, of several bytes a letter
            raise refusal("E-ENC", str(error), "export the file again as UTF-8", line=1) from None

    def too_deep(self) -> RefusedFile:
        """Make the refusal of a document with too many elements inside one another."""
        words = f"elements are nested more than {DEEPEST} deep"
        return refusal("E-DEPTH", words, AGAIN, line=self.line)

    def _refuse_type(self, *declared: object) -> None:
        del declared
        words = "the document declares a document type; with it, entities could make it read other files"
        raise refusal("Q-DTD", words, "export it without <!DOCTYPE …>", line=self.line)


def _broken(error: expat.ExpatError) -> RefusedFile:
    words = expat.ErrorString(error.code)
    code = "E-ENC" if error.code in _WRONG_ENCODING else "E-XML"
    return refusal_at(f"line {error.lineno}, column {error.offset + 1}", code, words, AGAIN)


class _RootError(Exception):
    """Ends a parse at the root, whose name it carries."""


def root_name(head: bytes) -> str:
    """Return the name of a document's root ("namespace name") by its first bytes; "" where none is found."""

    def found(name: str, attributes: dict[str, str]) -> None:
        del attributes
        raise _RootError(name)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = found
    try:
        parser.Parse(head, False)  # noqa: FBT003 - expat takes it by place only
    except _RootError as root:
        return str(root)
    except (expat.ExpatError, LookupError, ValueError):
        pass
    return ""
