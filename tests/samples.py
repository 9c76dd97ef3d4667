"""The online-retail sample: a shop's ledger of a year, or its like where it is not at hand."""

from __future__ import annotations

import csv
import gzip
import io
import random
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = "shared/samples/online-retail.csv.gz"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def sample() -> bytes | None:
    """Return the published data set where it lies beside the checkout."""
    found = (place / SAMPLE for place in Path(__file__).resolve().parents)
    return next((gzip.decompress(path.read_bytes()) for path in found if path.is_file()), None)


def look_alike() -> bytes:
    """Make a ledger of the same form and about a tenth of its size, for checkouts that stand alone."""
    dice = random.Random(2010)  # noqa: S311 - the same ledger each time
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER.split(","))
    names = ["WHITE METAL LANTERN", 'JIGSAW, "TREE"', "POSTAGE", "", "CREAM CUPID HEARTS"]
    for number in range(12_000):
        cancelled = dice.random() < 0.1
        invoice = f"{'C' * cancelled}{536365 + number}"
        for _ in range(dice.randint(1, 8)):
            article = f"{dice.randint(21_000, 21_040)}{dice.choice(['', 'A', 'B'])}"
            count, price = dice.randint(1, 24), f"{dice.randint(0, 99)}.{dice.randint(0, 9)}"
            line = [-count if cancelled else count, "12/01/2010 08:26", price, "17850", "United Kingdom"]
            writer.writerow([invoice, article, dice.choice(names), *line])
    return text.getvalue().encode()


def repeated(ledger: bytes, lines: int, *, as_other_orders: bool) -> Iterator[bytes]:
    """Yield a ledger's header, then its lines over and over until there are so many.

    Args:
        ledger: header and lines; no line break stands inside a cell.
        lines: without the header.
        as_other_orders: in each repetition all invoices have other numbers; else lines come again.
    """
    header, *each = ledger.splitlines(keepends=True)
    yield header
    for round_ in range(-(-lines // len(each))):
        wanted = islice(each, lines - round_ * len(each))
        if not as_other_orders or round_ == 0:
            yield from wanted
        else:
            mark = f"-{round_},".encode()
            yield from (line.replace(b",", mark, 1) for line in wanted)
