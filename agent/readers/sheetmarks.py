"""What a sheet of an .xlsx has beside values, which the library that reads the values does not tell.

Cells with an error, formulas that were never worked out, hidden rows, and how far the sheet really reaches. One search
at the speed of memory finds out whether there is anything of the kind; only then is the sheet parsed for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from agent.readers.base import refusal
from agent.readers.cellvalues import column_position
from agent.readers.header import COLUMN_CAP
from agent.readers.sheetplaces import places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.errors import RefusedFile

    Corners = tuple[
        tuple[int, int], tuple[int, int]
    ]  # first and last place of a range, row and column from 0
    Signs = tuple[re.Pattern[bytes], re.Pattern[bytes] | None]  # of formulas, of styles

ERRORS = frozenset(
    ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DATA!")
)  # all there are

_BLOCK = 262_144  # bytes
_HELD = 4 * 2**20  # bytes of one row's text, above which the sheet is parsed rather than searched
_ROW_END = b"</row>"
# at its beginning: not written the way the search understands
_UNUSUAL = re.compile(rb"""='|=\s+["']|\s=\s*["']|<!D|:c |:row """)
_HIDDEN = re.compile(rb'<row [^<>]*hidden="(?:1|true)"')
_FORMULA = re.compile(rb"<f[ />]")
_BARE_FORMULA = re.compile(rb"<f(?: [^<>]*)?(?:/>|>[^<]*</f>)\s*(?:</c>|<v ?/>|<v></v>)")
_SPARSE = 8  # times as many places as cells; a sheet beyond that (and _ROOM) has a cell far outside
_ROOM = 2_000_000  # places
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass(slots=True)
class Marks:
    """What was found; rows are numbered from 1, columns from 0."""

    cells: int = 0
    width: int = 0  # columns up to the last cell
    height: int = 0  # rows up to the last cell
    hidden: set[int] = field(default_factory=set)
    errors: dict[int, dict[int, str]] = field(default_factory=dict)  # row → column → what stands there
    untrue: dict[int, dict[int, str]] = field(default_factory=dict)  # row → column → a value not of its type
    padded: dict[int, dict[int, int]] = field(
        default_factory=dict
    )  # row → column → digits its format shows at least
    formulas: dict[int, set[int]] = field(default_factory=dict)  # row → columns without a value
    twice: dict[int, set[int]] = field(
        default_factory=dict
    )  # row → columns with several cells, or of a second such row
    merged: list[Corners] = field(default_factory=list)  # ranges, where the library does not tell them

    @property
    def is_sparse(self) -> bool:
        """Say whether the sheet has so few cells in so large an area that reading it would fill memory."""
        places = self.width * self.height
        return places > _ROOM and places > _SPARSE * self.cells


def find_marks(sheet: BinaryIO, *, recalculates: bool, padded: Mapping[str, int]) -> Marks:
    """Look through a sheet's XML.

    Args:
        sheet: the part as a stream that can be sought in.
        recalculates: no value of a formula in it was ever worked out.
        padded: the numbers of styles that show leading zeros, and how many digits each shows at least.

    Raises:
        RefusedFile: E-WORKBOOK, it is no XML; Q-DTD, it declares a document type.

    """
    marks = Marks()
    formula = _FORMULA if recalculates else _BARE_FORMULA
    styles = re.compile(b' s="(?:%b)"' % b"|".join(map(str.encode, padded))) if padded else None
    if _plain(sheet, marks, (formula, styles)) and not marks.is_sparse and marks.width <= COLUMN_CAP:
        return marks
    sheet.seek(0)
    return _Parse(padded, recalculates=recalculates).run(sheet)


def _plain(sheet: BinaryIO, marks: Marks, signs: Signs) -> bool:
    """Note how far a sheet reaches; say whether it is written as usual and has nothing remarkable."""
    held = sheet.read(_BLOCK)
    if b"<sheetData" not in held or _UNUSUAL.search(held):
        return False
    while block := sheet.read(_BLOCK):
        text = held + block
        cut = text.rfind(_ROW_END) + len(_ROW_END)
        if cut < len(_ROW_END):
            if len(text) > _HELD:
                return False
            held = text
            continue
        text, held = text[:cut], text[cut:]
        if not _measure(text, marks) or _is_odd(text, signs):
            return False
    return _measure(held, marks) and not _is_odd(held, signs)


def _measure(text: bytes, marks: Marks) -> bool:
    """Count the cells of whole rows; say whether each names its place, behind those before, and no other names it."""
    found = places(text)
    if found is None or (found.cells and found.first <= marks.height):
        return False
    marks.cells += found.cells
    marks.width = max((marks.width, *(column_position(one.decode()) + 1 for one in found.columns)))
    marks.height = max(marks.height, found.last)
    return True


def _is_odd(text: bytes, signs: Signs) -> bool:
    """Say whether there is anything that needs the parser.

    Each sign is looked for by a letter first, which is found many times faster and which most sheets do not have.
    """
    formula, styles = signs
    return (
        (b"e" in text and b't="e"' in text)
        or (b"h" in text and b"hidden=" in text and bool(_HIDDEN.search(text)))
        or (b"f" in text and b"<f" in text and bool(formula.search(text)))
        or (styles is not None and bool(styles.search(text)))
    )


class _Parse:
    """One parse of a sheet, cell by cell."""

    def __init__(self, padded: Mapping[str, int], *, recalculates: bool) -> None:
        self.marks = Marks()
        self._padded = padded
        self._recalculates = recalculates
        self._row = self._column = self._digits = 0
        self._type = ""
        self._formula = self._valued = False
        self._reached = 0  # the last row with anything in it
        self._filled: set[int] = set()  # its columns
        self._again = False  # it stands there once more
        self._text: list[str] | None = None  # of the value being read

    def run(self, sheet: BinaryIO) -> Marks:
        """Parse a whole sheet."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = refuse_type
        try:
            parser.ParseFile(sheet)
        except (
            expat.ExpatError,
            LookupError,
            ValueError,
        ) as error:  # also an encoding or a number that is none
            raise damaged(f"a sheet is no XML: {error}") from error
        return self.marks

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "c":
            self._begin_cell(attributes)
        elif local == "row":
            self._row = int(attributes.get("r") or self._row + 1)
            self._column, self._again = -1, self._row == self._reached
            if attributes.get("hidden") in ("1", "true"):
                self.marks.hidden.add(self._row)
        elif local == "f":
            self._formula = True
        elif local in ("v", "t"):
            self._text = []

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        named = attributes.get("r", "")
        place = _REFERENCE.fullmatch(named)
        if named and not place:
            raise damaged(f"a cell of row {self._row} has no place in a sheet")
        self._column = column_position(place[1]) if place else self._column + 1
        self._row = int(place[2]) if place else self._row
        self._type = attributes.get("t", "n")
        self._digits = self._padded.get(attributes.get("s", ""), 0) if self._type == "n" else 0
        self._formula = self._valued = False

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local in ("v", "t") and self._text is not None:
            # a formula may well give an empty text; an empty number is none
            self._valued = self._valued or bool(self._text) or self._type == "str"
            if self._type == "e":
                self.marks.errors.setdefault(self._row, {})[self._column] = "".join(self._text)
            self._text = None
        elif local == "c":
            self._end_cell()

    def _end_cell(self) -> None:
        if not self._valued and not self._formula:
            return
        marks = self.marks
        self._fill()
        marks.cells += 1
        marks.width, marks.height = max(marks.width, self._column + 1), max(marks.height, self._row)
        if self._digits and self._valued:
            marks.padded.setdefault(self._row, {})[self._column] = self._digits
        if self._formula and (self._recalculates or not self._valued):
            marks.formulas.setdefault(self._row, set()).add(self._column)

    def _fill(self) -> None:
        """Note a place that is filled already; no row may come behind a later one, as its cells could be anywhere."""
        if self._row < self._reached:
            raise damaged(f"row {self._row} of a sheet stands behind row {self._reached}")
        if self._row > self._reached:
            self._reached, self._again = self._row, False
            self._filled.clear()
        if self._again or self._column in self._filled:
            self.marks.twice.setdefault(self._row, set()).add(self._column)
        self._filled.add(self._column)


def refuse_type(*declared: object) -> None:
    """Refuse a part with a document type, which no program that saves workbooks writes."""
    del declared
    raise refusal("Q-DTD", "the workbook declares a document type", "save it again with an ordinary program")


def damaged(words: str) -> RefusedFile:
    """Refuse a workbook that cannot be read."""
    return refusal(
        "E-WORKBOOK",
        f"the workbook is damaged: {words}",
        "open it in a spreadsheet program and save it again",
    )


def locked() -> RefusedFile:
    """Refuse a workbook with a password."""
    words = "the file is a password-protected workbook"
    return refusal("E-TYPE", words, "open it, remove its password, save it, and drop it again")


def too_wide(marks: Marks) -> RefusedFile:
    """Refuse a sheet with more columns than are read, or with a cell far outside its table."""
    reach = f"{marks.width:,} columns and {marks.height:,} rows"
    words = f"the sheet reaches over {reach}; {COLUMN_CAP:,} columns are the most"
    mend = "look for a stray cell far outside the table, and delete its row and column"
    return refusal("E-COLCAP", words, mend)
