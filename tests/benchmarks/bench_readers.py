"""What each format costs beside CSV of the same records, and a workbook beside calamine alone.

Every measurement is a process of its own; they take turns, what counts is processor time, and a ratio is the median
of the ratios within a round. Run alone: `python -m tests.benchmarks.bench_readers [--rows N] [--rounds N]`.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from tests.benchmarks.told import tell
from tests.generated import text
from tests.workbooks import ods, xlsx, xml2003

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rows = list[list[str]]

NAMES = ["Order", "Item", "Title", "Amount", "Quantity"]
WORKBOOK_AT_MOST = 1.5  # of calamine alone reading it, beside what CSV of the same records costs
MEMORY_AT_MOST = 512.0  # MiB, which is what the preparing process may have
BESIDE_CSV = ("ndjson", "json", "xml", "xlsx", "ods", "xml2003")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        files = _written(Path(folder), chosen.rows)
        kept = [_workbook(files, chosen.rounds, chosen.rows)]
        kept += [_beside_csv(files, form, chosen.rounds) for form in BESIDE_CSV]
    return 0 if all(kept) else 1


def _rows(many: int) -> Rows:
    dice = random.Random(5)  # noqa: S311 - the same every time
    titles = [f"Title no. {number}, with some words" for number in range(5_000)]
    return [
        [
            f"R{number // 2:09}",
            f"SKU-{dice.randrange(30_000)}",
            dice.choice(titles),
            f"{dice.randint(1, 20_000) / 100:.2f}",
            str(number % 7 + 1),
        ]
        for number in range(many)
    ]


def _objects(rows: Rows) -> list[dict[str, str]]:
    return [dict(zip(NAMES, row, strict=True)) for row in rows]


def _xml(rows: Rows) -> str:
    lines = (
        "<order>" + "".join(f"<{name}>{escape(cell)}</{name}>" for name, cell in one.items()) + "</order>\n"
        for one in _objects(rows)
    )
    return f"<orders>\n{''.join(lines)}</orders>\n"


def _typed(rows: Rows) -> list[list[object]]:
    return [[*row[:3], float(row[3]), int(row[4])] for row in rows]


FORMS: dict[str, Callable[[Rows], bytes]] = {
    "csv": lambda rows: text([NAMES, *rows], ",").encode(),
    "json": lambda rows: json.dumps(_objects(rows)).encode(),
    "ndjson": lambda rows: "\n".join(map(json.dumps, _objects(rows))).encode(),
    "xml": lambda rows: _xml(rows).encode(),
    "xlsx": lambda rows: xlsx([NAMES, *_typed(rows)]),
    "ods": lambda rows: ods([NAMES, *_typed(rows)]),
    "xml2003": lambda rows: xml2003([NAMES, *_typed(rows)]),
}


def _written(folder: Path, many: int) -> dict[str, Path]:
    rows, files = _rows(many), {}
    for form, make in FORMS.items():
        files[form] = folder / f"rows.{form}"
        files[form].write_bytes(make(rows))
    return files


def _measured(how: str, file: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.read_file", how, str(file)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _workbook(files: dict[str, Path], rounds: int, many: int) -> bool:
    """Compare preparing a workbook with calamine alone and preparing CSV; return whether it is as asked."""
    alone, reader, whole, plain = ([] for _ in range(4))
    for _ in range(rounds):
        alone.append(_measured("calamine", files["xlsx"])["stage"])
        reader.append(_measured("reader", files["xlsx"])["stage"])
        told = _measured("prepare", files["xlsx"])
        whole.append(told["stage"])
        plain.append(_measured("prepare", files["csv"])["stage"])
    beside = [(ours - csv) / theirs for ours, csv, theirs in zip(whole, plain, alone, strict=True)]
    only = statistics.median(ours / theirs for ours, theirs in zip(reader, alone, strict=True))
    calamine, reading, all_of_it, csv = map(statistics.median, (alone, reader, whole, plain))
    words = (
        f"{all_of_it:.2f} s less {csv:.2f} s of CSV, against {calamine:.2f} s; {many:,} rows, {rounds} rounds"
    )
    kept = tell(
        "workbook prepared, less the CSV cost: CPU of calamine alone",
        statistics.median(beside),
        at_most=WORKBOOK_AT_MOST,
        words=words,
    )
    tell("workbook read only: CPU of calamine alone", only, words=f"{reading:.2f} s")
    return (
        tell("workbook, peak memory in MiB", told["peak"], at_most=MEMORY_AT_MOST, words="preparing") and kept
    )


def _beside_csv(files: dict[str, Path], form: str, rounds: int) -> bool:
    """Compare reading and preparing a format with CSV of the same records."""
    for how in ("reader", "prepare"):
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(_measured(how, files[form]))
            theirs.append(_measured(how, files["csv"]))
        ratio = statistics.median(one["stage"] / two["stage"] for one, two in zip(ours, theirs, strict=True))
        times = [statistics.median(one["stage"] for one in side) for side in (ours, theirs)]
        words = f"{times[0]:.2f} s against {times[1]:.2f} s, peak {ours[-1]['peak']:.0f} MiB"
        tell(f"{form}, {how}: CPU of the same for CSV", ratio, words=words)
    return True


if __name__ == "__main__":
    sys.exit(main())
