"""The files that people could drop, by the hundred: countries, code pages, delimiters, formats, damages.

Every file is made anew from the same seed, and what its cells were meant to say is kept beside it. A damaged file
knows which codes may be said of it and which of its records cannot be sent: the others must be, to the letter.
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from tests.oldbooks import xls, xlsb
from tests.workbooks import ods, repacked, xlsx, xml2003, zipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

COLUMNS = ("Order", "Item", "Amount", "Day", "Remark")
WIDTHS = (24, 24, 16, 12, 20)
TEMPLATE = """\
Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason
{% for row in rows %}
{{ row.Order | order_id }},7,{{ row.Item }},{{ row.Amount | amount }},1,{{ row.Day | date }},ORDER_UPDATE
{% endfor %}
"""
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
ORDERS = (
    "00001234",
    "12345678901234567890",
    "1000.4636.158133",
    "1E5",
    "R-7/b",
    "M.42",
    "9217374917472",
    "#1001",
)
AMOUNTS = ("0.01", "1.50", "9.00", "12.34", "99.99", "100.00", "1234.56", "20000.10", "999999.99")
SHEET = "xl/worksheets/sheet1.xml"


@dataclass(frozen=True, slots=True)
class Row:
    """What one record is meant to say: amount with a point and two decimals, the day as in ISO 8601."""

    order: str
    item: str
    amount: str
    day: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Country:
    """How people write somewhere; `codecs` are the code pages in use there, `words` what is sold."""

    name: str
    decimal: str
    thousands: str
    day: str
    codecs: tuple[str, ...]
    words: tuple[str, ...]
    sign: str = ""  # of its currency, behind the number

    def amount(self, plain: str) -> str:
        """Write an amount as people there do."""
        whole, _, cents = plain.partition(".")
        grouped = f"{int(whole):,}".replace(",", self.thousands)
        return f"{grouped}{self.decimal}{cents}{self.sign and f' {self.sign}'}"

    def cells(self, row: Row) -> list[str]:
        """Write a record as people there do."""
        written = date.fromisoformat(row.day).strftime(self.day)
        return [row.order, row.item, self.amount(row.amount), written, row.remark]

    def feed(self, **more: Any) -> dict[str, Any]:
        """Declare to a feed how people there write."""
        numbers = {"decimal": self.decimal, "thousands": self.thousands}
        numbers |= {"currency_signs": (self.sign,)} if self.sign else {}
        return {"numbers": numbers, "dates": {"formats": (self.day,)}, **more}


COUNTRIES = (
    Country(
        "us", ".", ",", "%m/%d/%Y", ("utf-8", "cp1252", "utf-8-sig"), ("Café", 'Rod 5"', "Tee, red"), "USD"
    ),
    Country(
        "de", ",", ".", "%d.%m.%Y", ("utf-8", "cp1252", "latin-1"), ("Größe 42", "Öl; mild", "Über"), "EUR"
    ),
    Country("at", ",", ".", "%d.%m.%Y", ("cp850", "iso8859-15", "utf-16"), ("Knödel", "Stück|1"), "EUR"),
    Country("ch", ".", "'", "%d.%m.%Y", ("cp1252", "mac-roman"), ("Zürich", "Käse"), "CHF"),
    Country("fr", ",", "\u00a0", "%d/%m/%Y", ("utf-8", "cp1252"), ("Thé, noir", "Noël", "Éclair"), "€"),
    Country("gb", ".", ",", "%d/%m/%Y", ("utf-8", "cp1252"), ("Pound £5", "Tea; black"), "£"),
    Country("pl", ",", " ", "%Y-%m-%d", ("cp1250", "iso8859-2"), ("Żółw", "Łódź, mała")),
    Country("ru", ",", "\u00a0", "%d.%m.%Y", ("cp1251", "koi8-r", "utf-16"), ("Чай", "Сыр, 1 кг")),
    Country("gr", ",", ".", "%d/%m/%Y", ("cp1253", "utf-8"), ("Τσάι", "Ελιές; 2")),
    Country("tr", ",", ".", "%d.%m.%Y", ("cp1254",), ("Şeker", "\u0130\u011fne, \u015f\u0131k")),
    Country("il", ".", ",", "%d/%m/%Y", ("cp1255", "utf-8"), ("תה", "לחם"), "ILS"),
    Country(
        "jp", ".", ",", "%Y/%m/%d", ("cp932", "euc-jp", "utf-8-sig"), ("ソース", "ポット|大", "茶"), "JPY"
    ),
    Country("cn", ".", ",", "%Y-%m-%d", ("gb18030", "gbk"), ("绿茶", "茶, 红")),
    Country("kr", ".", ",", "%Y.%m.%d", ("cp949", "utf-16"), ("녹차", "김치")),
)


@dataclass(frozen=True, slots=True)
class Generated:
    """One file, and the truth beside it."""

    name: str
    content: bytes = field(repr=False)
    feed: dict[str, Any]
    meant: tuple[Row, ...]
    codes: frozenset[str] = (
        frozenset()
    )  # what is said of it, at least one of them; none: nothing may be wrong
    kept: frozenset[int] = frozenset()  # places in `meant` of those that must not be sent
    whole: bool = False  # nothing of it may be sent


def rows(country: Country, dice: random.Random, many: int = 10) -> tuple[Row, ...]:
    """Make up records: ids that are easily damaged, days that could be read two ways, two lines of one order."""
    made = []
    for number in range(many):
        order = (
            f"{dice.choice(ORDERS)}-{number}" if number % 3 else f"{number}{dice.choice(ORDERS)[1:]}{number}"
        )
        if number == 2:  # the second and third record
            order = made[1].order
        item = f"{dice.choice(country.words)} {number:03}"
        day = date(2026, dice.randint(1, 12), dice.randint(1, 28)).isoformat()
        made.append(Row(order, item, dice.choice(AMOUNTS), day, dice.choice(("", "x", country.words[0]))))
    return tuple(made)


def text(table: Sequence[Sequence[str]], delimiter: str, line_end: str = "\r\n") -> str:
    """Write delimited text, quoted where it must be."""

    def cell(value: str) -> str:
        quoted = value.replace('"', '""')
        return f'"{quoted}"' if any(sign in value for sign in (delimiter, '"', "\n", "\r")) else value

    return "".join(delimiter.join(map(cell, line)) + line_end for line in table)


def _table(country: Country, meant: Sequence[Row]) -> list[list[str]]:
    return [list(COLUMNS), *(country.cells(row) for row in meant)]


def _objects(country: Country, meant: Sequence[Row]) -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, country.cells(row), strict=True)) for row in meant]


def _xml(country: Country, meant: Sequence[Row], codec: str) -> bytes:
    lines = "".join(
        "<row>" + "".join(f"<{name}>{escape(cell)}</{name}>" for name, cell in one.items()) + "</row>\n"
        for one in _objects(country, meant)
    )
    return f'<?xml version="1.0" encoding="{codec}"?>\n<rows>\n{lines}</rows>\n'.encode(codec)


def _fixed(country: Country, meant: Sequence[Row]) -> str:
    def line(row: Row) -> str:
        return "".join(f"{cell:{width}}" for cell, width in zip(country.cells(row), WIDTHS, strict=True))

    return "".join(f"{line(row)}\r\n" for row in meant)


def _fixed_feed(country: Country, codec: str) -> dict[str, Any]:
    starts = [1 + sum(WIDTHS[:at]) for at in range(len(WIDTHS))]
    columns = [
        {"name": name, "start": start, "width": width}
        for name, start, width in zip(COLUMNS, starts, WIDTHS, strict=True)
    ]
    return country.feed(format="fixed", columns=columns, encoding=(codec,))


def numbers_book(meant: Sequence[Row]) -> bytes:
    """Make a workbook as a person does: amounts are numbers, days are dates."""

    def edit(book: Any, sheet: Any) -> None:
        shown = book.add_format({"num_format": "dd.mm.yyyy"})
        for at, row in enumerate(meant, 1):
            sheet.write_datetime(at, 3, date.fromisoformat(row.day), shown)

    table = [[row.order, row.item, float(row.amount), None, row.remark] for row in meant]
    return xlsx(("Refunds", [list(COLUMNS), *table]), edit=edit)


def _sound(dice: random.Random) -> Iterator[Generated]:
    for country in COUNTRIES:
        meant = rows(country, dice)
        table = _table(country, meant)
        for codec in country.codecs:
            declared = {"encoding": (codec.removesuffix("-sig"),)}
            for delimiter, word in DELIMITERS.items():
                content = text(table, delimiter, dice.choice(("\n", "\r\n"))).encode(codec)
                feed = country.feed(delimiter=dice.choice((delimiter, "auto")), **declared)
                yield Generated(f"{country.name}-{codec}-{word}.csv", content, feed, meant)
        yield from _other_formats(country, meant)


def _other_formats(country: Country, meant: tuple[Row, ...]) -> Iterator[Generated]:
    name, feed, table = country.name, country.feed(), _table(country, meant)
    codec = next((one for one in country.codecs if one.isascii() and not one.startswith("utf")), "utf-8")
    objects = _objects(country, meant)
    plain = text(table, ";").encode()
    document = json.dumps({"data": {"orders": objects}}, ensure_ascii=False, indent=1).encode()
    lines = "\n".join(json.dumps(one) for one in objects).encode()
    declared = (
        codec
        if codec in ("cp1252", "latin-1", "iso8859-15", "cp1250", "cp1251", "cp1253", "cp1254")
        else "utf-8"
    )
    iso = {**feed, "numbers": {"decimal": "."}, "dates": {"formats": ("%Y-%m-%d",)}}
    yield Generated(f"{name}-texts.xlsx", xlsx(("Refunds", table)), feed, meant)
    yield Generated(f"{name}-numbers.xlsx", numbers_book(meant), iso, meant)
    yield Generated(f"{name}.ods", ods(table), feed, meant)
    yield Generated(f"{name}.xls", xls(table), feed, meant)
    yield Generated(f"{name}-2003.xls", xml2003(table), feed, meant)
    yield Generated(f"{name}.xlsb", xlsb(table), feed, meant)
    yield Generated(f"{name}.json", document, {**feed, "records": "data.orders"}, meant)
    yield Generated(f"{name}.ndjson", lines, feed, meant)
    yield Generated(f"{name}-{declared}.xml", _xml(country, meant, declared), feed, meant)
    yield Generated(
        f"{name}-{codec}.txt", _fixed(country, meant).encode(codec), _fixed_feed(country, codec), meant
    )
    yield Generated(f"{name}.csv.gz", gzip.compress(plain, mtime=0), feed, meant)
    yield Generated(f"{name}.zip", zipped((f"{name}.csv", plain)), feed, meant)


Damage = tuple[str, "Callable[[Country, tuple[Row, ...]], Generated]"]
BAD = 5  # the record, counted from 0, that a damage to a single one is done to


def _cells_damaged(name: str, codes: set[str], column: int, change: Callable[[Country, Row], str]) -> Damage:
    """Damage one cell of a text file."""

    def make(country: Country, meant: tuple[Row, ...]) -> Generated:
        table = _table(country, meant)
        table[BAD + 1][column] = change(country, meant[BAD])
        content = text(table, ";").encode()
        feed = country.feed(delimiter=";")
        return Generated(
            f"{country.name}-{name}.csv", content, feed, meant, frozenset(codes), frozenset((BAD,))
        )

    return name, make


def _text_damaged(name: str, codes: set[str], change: Callable[[str], str | bytes], **feed: Any) -> Damage:
    """Damage a text file so that nothing of it can be used."""

    def make(country: Country, meant: tuple[Row, ...]) -> Generated:
        changed = change(text(_table(country, meant), ";"))
        content = changed if isinstance(changed, bytes) else changed.encode()
        declared = country.feed(delimiter=";", **feed)
        return Generated(f"{country.name}-{name}.csv", content, declared, meant, frozenset(codes), whole=True)

    return name, make


def _line_damaged(name: str, codes: set[str], change: Callable[[str], str], *, lost: bool = True) -> Damage:
    """Damage one line of a text file; `lost`: its record cannot be sent."""

    def make(country: Country, meant: tuple[Row, ...]) -> Generated:
        lines = text(_table(country, meant), ";").splitlines(keepends=True)
        lines[BAD + 1] = change(lines[BAD + 1])
        kept = frozenset((BAD,) if lost else ())
        content, feed = "".join(lines).encode(), country.feed(delimiter=";")
        return Generated(f"{country.name}-{name}.csv", content, feed, meant, frozenset(codes), kept)

    return name, make


def _made(
    name: str,
    codes: set[str],
    content: Callable[[Country, tuple[Row, ...]], bytes],
    *,
    one: bool = False,
    **feed: Any,
) -> Damage:
    """Damage a file of any format: as a whole, or only the one record."""

    def make(country: Country, meant: tuple[Row, ...]) -> Generated:
        kept = frozenset((BAD,)) if one else frozenset()
        given = country.feed(**feed)
        made = content(country, meant)
        return Generated(f"{country.name}-{name}", made, given, meant, frozenset(codes), kept, whole=not one)

    return name, make


def _other_number(country: Country, row: Row) -> str:
    del row
    return "1,234.56" if country.decimal == "," else "1.234,56"


def _json(country: Country, meant: Sequence[Row]) -> str:
    return json.dumps(_objects(country, meant), ensure_ascii=False, indent=1)


def _json_with(old: str, new: str) -> Callable[[Country, tuple[Row, ...]], bytes]:
    """Change the damaged record of a JSON document."""

    def make(country: Country, meant: tuple[Row, ...]) -> bytes:
        objects = [json.dumps(one, ensure_ascii=False) for one in _objects(country, meant)]
        objects[BAD] = objects[BAD].replace(old, new)
        return f"[{', '.join(objects)}]".encode()

    return make


def _lines_with(change: Callable[[str], str]) -> Callable[[Country, tuple[Row, ...]], bytes]:
    def make(country: Country, meant: tuple[Row, ...]) -> bytes:
        lines = [json.dumps(one, ensure_ascii=False) for one in _objects(country, meant)]
        lines[BAD] = change(lines[BAD])
        return "\n".join(lines).encode()

    return make


def _book_with(edit: Callable[[Any, Any], object]) -> Callable[[Country, tuple[Row, ...]], bytes]:
    def make(country: Country, meant: tuple[Row, ...]) -> bytes:
        return xlsx(("Refunds", _table(country, meant)), edit=edit)

    return make


def _number_order(value: float, shown: str = "") -> Callable[[Any, Any], object]:
    def edit(book: Any, sheet: Any) -> None:
        sheet.write_number(BAD + 1, 0, value, book.add_format({"num_format": shown}) if shown else None)

    return edit


def _unworked(country: Country, meant: tuple[Row, ...]) -> bytes:
    """Make a workbook with a formula that no program has worked out."""
    book = xlsx(
        ("Refunds", _table(country, meant)),
        edit=lambda _, sheet: sheet.write_formula(BAD + 1, 2, "=1+1", None, ""),
    )
    return repacked(book, [(SHEET, b"<f>1+1</f><v></v>", b"<f>1+1</f>")])


def _cut(content: bytes, share: float = 0.6) -> bytes:
    return content[: int(len(content) * share)]


_QUOTE_OPEN = _text_damaged(
    "open-quote", {"E-QUOTE"}, lambda made: made[:200] + ';"' + made[200:].replace('"', "")
)
DAMAGES: tuple[Damage, ...] = (
    _cells_damaged("destroyed-id", {"E-SCIID"}, 0, lambda *_: "1.23457E+12"),
    _cells_damaged("no-id", {"E-REQ", "E-ID"}, 0, lambda *_: ""),
    _cells_damaged("invisible-in-id", {"E-CTRL"}, 0, lambda _, row: f"{row.order}\u200b"),
    _cells_damaged("control-in-id", {"E-CTRL"}, 0, lambda _, row: f"{row.order}\x07"),
    _cells_damaged("blank-round-item", {"E-TRIM"}, 1, lambda _, row: f" {row.item}"),
    _cells_damaged("formula-in-item", {"E-FORMULA"}, 1, lambda *_: "=1+1"),
    _cells_damaged("null-item", {"E-NULLTXT"}, 1, lambda *_: "#N/A"),
    _cells_damaged("long-item", {"E-LEN"}, 1, lambda *_: "x" * 256),
    _cells_damaged("huge-cell", {"E-FIELDLEN"}, 1, lambda *_: "x" * 40_000),
    _cells_damaged("amount-of-another-country", {"E-NUM"}, 2, _other_number),
    _cells_damaged("amount-in-words", {"E-NUM"}, 2, lambda *_: "many"),
    _cells_damaged("amount-of-other-digits", {"E-NUM", "E-DIGITS"}, 2, lambda *_: "\u0661\u0662\u0663"),
    _cells_damaged("amount-full-width", {"E-NUM", "E-DIGITS"}, 2, lambda *_: "\uff11\uff12"),
    _cells_damaged("amount-in-brackets", {"E-NUM"}, 2, lambda *_: "(12)"),
    _cells_damaged("amount-shortened", {"E-NUM"}, 2, lambda *_: "1E+05"),
    _cells_damaged("amount-negative", {"E-NEG"}, 2, lambda *_: "-12"),
    _cells_damaged("amount-too-large", {"E-LIMIT"}, 2, lambda *_: "99999999"),
    _cells_damaged("amount-endless", {"E-NUM", "E-LIMIT"}, 2, lambda *_: "9" * 5_000),
    _cells_damaged("amount-none", {"E-NUM"}, 2, lambda *_: "NaN"),
    _cells_damaged("amount-underscored", {"E-NUM"}, 2, lambda *_: "1_000"),
    _cells_damaged("day-that-is-none", {"E-DATE"}, 3, lambda *_: "2023-02-29"),
    _cells_damaged("day-a-serial", {"E-DATE"}, 3, lambda *_: "45321"),
    _cells_damaged(
        "day-of-other-digits",
        {"E-DATE", "E-DIGITS"},
        3,
        lambda *_: "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0662",
    ),
    _cells_damaged("day-empty", {"E-DATE"}, 3, lambda *_: "soon"),
    _line_damaged("too-long", {"E-COLS"}, lambda line: f"x;{line}"),
    _line_damaged("too-short", {"E-COLS"}, lambda line: line.replace(";", " ", 1)),
    _line_damaged("blank-before", {"E-BLANK"}, lambda line: f"\r\n{line}", lost=False),
    _line_damaged("header-again", {"E-ROWHDR"}, lambda line: f"{';'.join(COLUMNS)}\r\n{line}", lost=False),
    _QUOTE_OPEN,
    _text_damaged("after-quote", {"E-QUOTE"}, lambda made: made + '1;"x"y;1;1;1\r\n'),
    _text_damaged("a-nul", {"E-NUL"}, lambda made: made[:300] + "\0" + made[300:]),
    _text_damaged(
        "another-encoding", {"E-ENC"}, lambda made: f"{made}1;\xe9;1;1;1\r\n".encode("cp1252", "replace")
    ),
    _text_damaged("unmarked-utf16", {"E-ENC"}, lambda made: made.encode("utf-16-le")),
    _text_damaged("undeclared-utf16", {"E-ENC"}, lambda made: made.encode("utf-16")),
    _text_damaged("no-records", {"E-NOROWS"}, lambda made: made[: made.index("\n") + 1]),
    _text_damaged("nothing", {"E-EMPTY"}, lambda _: "\r\n  \r\n"),
    _text_damaged("column-twice", {"E-HDRDUP"}, lambda made: made.replace("Remark", "order ", 1)),
    _text_damaged("column-nameless", {"E-HDREMPTY"}, lambda made: made.replace("Item", "", 1)),
    _text_damaged("column-missing", {"E-HDRMISS"}, lambda made: made.replace("Amount", "Amuont", 1)),
    _text_damaged("another-delimiter", {"E-DELIM"}, lambda made: made.replace(";", "\t")),
    _text_damaged("a-web-page", {"E-TYPE"}, lambda made: f"<html><table><tr><td>{made}"),
    _text_damaged("a-long-line", {"E-LINELEN"}, lambda made: made + "x" * 1_100_000),
    _text_damaged("a-workbook-wanted", {"E-TYPE"}, lambda made: made.encode(), format="xlsx"),
    _made("cut.gz", {"E-ARCHIVE"}, lambda c, m: _cut(gzip.compress(text(_table(c, m), ";").encode()))),
    _made(
        "flipped.gz", {"E-ARCHIVE"}, lambda c, m: _flipped(gzip.compress(text(_table(c, m), ";").encode()))
    ),
    _made("two.zip", {"E-ARCHIVE"}, lambda c, m: zipped(("a.csv", _plain(c, m)), ("b.csv", _plain(c, m)))),
    _made("cut.zip", {"E-ARCHIVE"}, lambda c, m: _cut(zipped(("a.csv", _plain(c, m))))),
    _made("bomb.zip", {"Q-BOMB"}, lambda *_: zipped(("a.csv", b"0" * 20_000_000))),
    _made("outside.zip", {"Q-ZIP"}, lambda c, m: zipped(("../a.csv", _plain(c, m)))),
    _made("cut.json", {"E-JSON"}, lambda c, m: _cut(_json(c, m).encode("ascii", "replace"))),
    _made("more.json", {"E-JSON"}, lambda c, m: f"{_json(c, m)} x".encode()),
    _made("object.json", {"E-SHAPE"}, lambda c, m: f'{{"a": {_json(c, m)}}}'.encode()),
    _made(
        "latin.json",
        {"E-ENC"},
        lambda c, m: _json(c, m).replace("Order", "\xd6rder").encode("latin-1", "replace"),
    ),
    _made("deep.json", {"E-DEPTH"}, lambda *_: b"[" * 100_000),
    _made("nan.json", {"E-NUM"}, _json_with('"Remark": ', '"Other": NaN, "Remark": '), one=True),
    _made("twice.json", {"E-KEYDUP"}, _json_with('"Remark": ', '"Item": "x", "Remark": '), one=True),
    _made("half.json", {"E-ENC"}, _json_with('"Item": "', '"Item": "\\ud800'), one=True),
    _made("broken.ndjson", {"E-JSON"}, _lines_with(lambda line: line[:-5]), one=True),
    _made("list.ndjson", {"E-SHAPE"}, _lines_with(lambda line: f"[{line}]"), one=True),
    _made("cut.xml", {"E-XML"}, lambda c, m: _cut(_xml(c, m, "utf-8").decode().encode("ascii", "replace"))),
    _made(
        "type.xml", {"Q-DTD"}, lambda c, m: _xml(c, m, "utf-8").replace(b"<rows>", b"<!DOCTYPE rows><rows>")
    ),
    _made("bad.xml", {"E-ENC"}, lambda c, m: _xml(c, m, "utf-8").replace(b"<Item>", b"<Item>\xe9", 1)),
    _made("entity.xml", {"E-XML"}, lambda c, m: _xml(c, m, "utf-8").replace(b"<Item>", b"<Item>&x;", 1)),
    _made(
        "kinds.xml",
        {"E-SHAPE"},
        lambda c, m: _xml(c, m, "utf-8").replace(b"</rows>", b"<sum><a/></sum></rows>"),
    ),
    _made(
        "error.xlsx",
        {"E-CELL"},
        _book_with(lambda _, s: s.write_formula(BAD + 1, 2, "=1/0", None, "#DIV/0!")),
        one=True,
    ),
    _made(
        "hidden.xlsx",
        {"E-CELL"},
        _book_with(lambda _, s: s.set_row(BAD + 1, None, None, {"hidden": 1})),
        one=True,
    ),
    _made("unworked.xlsx", {"E-FORMULACELL"}, _unworked, one=True),
    _made("long-number.xlsx", {"E-SCIID"}, _book_with(_number_order(12345678901234567890)), one=True),
    _made("padded.xlsx", {"E-IDNUM"}, _book_with(_number_order(1234, "00000000")), one=True),
    _made("decimals.xlsx", {"E-IDNUM"}, _book_with(_number_order(12.5)), one=True),
    _made("two-sheets.xlsx", {"E-SHEET"}, lambda c, m: xlsx(("A", _table(c, m)), ("B", _table(c, m)))),
    _made(
        "macros.xlsx",
        {"Q-ACTIVE"},
        lambda c, m: repacked(xlsx(_table(c, m)), added=[("xl/vbaProject.bin", b"x")]),
    ),
    _made("cut.xlsx", {"E-WORKBOOK", "E-ARCHIVE", "E-TYPE"}, lambda c, m: _cut(xlsx(_table(c, m)))),
)


def _plain(country: Country, meant: tuple[Row, ...]) -> bytes:
    return text(_table(country, meant), ";").encode()


def _flipped(content: bytes) -> bytes:
    return content[:-6] + bytes([content[-6] ^ 1]) + content[-5:]


def generated() -> Iterator[Generated]:
    """Make all files; each in the same way every time."""
    yield from _sound(random.Random(7))  # noqa: S311 - the same every time
    for number, (name, make) in enumerate(DAMAGES):
        dice = random.Random(zlib.crc32(name.encode()))  # noqa: S311 - as above
        for country in (COUNTRIES[number % len(COUNTRIES)], COUNTRIES[(number * 5 + 3) % len(COUNTRIES)]):
            yield make(country, rows(country, dice))
