"""Where things are in an .xlsx: the part of each sheet, and what the workbook says about itself."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from agent.readers.formats import BUILT_IN, padding
from agent.readers.sheetmarks import Marks, damaged, find_marks, refuse_type
from agent.readers.zipped import DAMAGE

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable

    Attributes = dict[str, str]

_LARGEST = 16 * 2**20  # bytes of a part that is read whole
_YES = ("1", "true")


@dataclass(slots=True)
class Parts:
    """An .xlsx beside its values."""

    archive: zipfile.ZipFile
    sheets: dict[str, str] = field(default_factory=dict)  # name → part
    date1904: bool = False
    padded: dict[str, int] = field(default_factory=dict)  # number of a style → digits it shows at least
    _marks: dict[str, Marks] = field(default_factory=dict)
    recalculates: bool = False  # formulas were written by a program that cannot work them out

    def marks(self, sheet: str) -> Marks:
        """Look through one sheet, once; a name that has no part of its own gives nothing."""
        if sheet not in self._marks:
            self._marks[sheet] = self._find(sheet)
        return self._marks[sheet]

    def _find(self, sheet: str) -> Marks:
        part = self.sheets.get(sheet, "")
        if part not in self.archive.namelist():
            return Marks()
        try:
            with self.archive.open(part) as stream:
                return find_marks(stream, recalculates=self.recalculates, padded=self.padded)  # type: ignore[arg-type]  # it can be read
        except DAMAGE as error:
            raise damaged(str(error)) from error


def find_parts(archive: zipfile.ZipFile) -> Parts:
    """Read the workbook's own part and its relations.

    Raises:
        RefusedFile: E-WORKBOOK, Q-DTD.

    """
    parts = Parts(archive)
    main = related(archive, "_rels/.rels", "", "/officeDocument")
    book = next(iter(main.values()), "xl/workbook.xml")
    folder, name = posixpath.split(book)
    targets = related(archive, f"{folder}/_rels/{name}.rels", folder, "/worksheet")

    def start(element: str, attributes: Attributes) -> None:
        local = element.rpartition(":")[2]
        if local == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            parts.sheets[attributes.get("name", "")] = targets.get(relation, "")
        elif local == "workbookPr":
            parts.date1904 = attributes.get("date1904") in _YES
        elif local == "calcPr":
            parts.recalculates = attributes.get("fullCalcOnLoad") in _YES

    _parse(archive, book, start)
    for part in related(archive, f"{folder}/_rels/{name}.rels", folder, "/styles").values():
        parts.padded = _padded_styles(archive, part)
    return parts


def _padded_styles(archive: zipfile.ZipFile, part: str) -> dict[str, int]:
    """Find the styles that show more than the number of a cell (`formats.padding`)."""
    formats = {str(number): padding(code) for number, code in BUILT_IN.items()}
    styles: dict[str, int] = {}
    within: list[str] = []

    def start(element: str, attributes: Attributes) -> None:
        local = element.rpartition(":")[2]
        if local == "numFmt":
            formats[attributes.get("numFmtId", "")] = padding(attributes.get("formatCode", ""))
        elif local in ("cellXfs", "cellStyles", "dxfs"):
            within[:] = [local]
        elif local == "xf" and within == ["cellXfs"]:
            styles[str(len(styles))] = formats.get(attributes.get("numFmtId", ""), 0)

    _parse(archive, part, start)
    return {style: digits for style, digits in styles.items() if digits}


def related(archive: zipfile.ZipFile, part: str, folder: str, kind: str) -> dict[str, str]:
    """Return the parts of one kind by the names under which they are related."""
    found: dict[str, str] = {}

    def start(element: str, attributes: Attributes) -> None:
        if element.rpartition(":")[2] == "Relationship" and attributes.get("Type", "").endswith(kind):
            target = posixpath.join("/", folder, attributes.get("Target", ""))
            found[attributes.get("Id", "")] = posixpath.normpath(target).lstrip("/")

    _parse(archive, part, start)
    return found


def _parse(archive: zipfile.ZipFile, part: str, start: Callable[[str, Attributes], None]) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse_type
    try:
        with archive.open(part) as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise damaged(f"{part} is too large")
        parser.Parse(content, True)  # noqa: FBT003 - expat takes no names
    except KeyError:
        raise damaged(f"{part} is missing") from None
    except (expat.ExpatError, LookupError, *DAMAGE) as error:
        raise damaged(f"{part}: {error}") from error
