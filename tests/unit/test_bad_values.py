"""The values of the bad-input catalogue as data: what must be found, in which words, and how it is mended."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path

import pytest
import yaml

from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed
from tests.remembering import Memory

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "bad-values"
CASES = [
    pytest.param(case, id=f"{case['row']} {path.stem} {number}")
    for path in sorted(CORPUS.glob("*.yaml"))
    for number, case in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), start=1)
]
ROWS = {*range(54, 84)} - {56}  # of the catalogue; 56 is of workbooks
SECONDS = 5.0
NOW = 1_709_380_800.0  # noon of 2 March 2024, UTC

SOUND = {
    "Oid": "O1",
    "Tracker": "16027",
    "SKU": "S1",
    "Amount": "0",
    "Currency": "",
    "Status": "",
    "Quantity": "0",
    "Date": "2024-01-31",
    "Reason": "OTHER",
}
ORDERS = "Oid,ActionTrackerID,Amount,currencyCode,CustomerStatus,Reason\n"
CELLS = "{{ row.Currency }},{{ row.Status }},{{ row.Reason }}\n{% endfor %}\n"
READ = "{{ row.Oid | order_id }},{{ row.Tracker }},{{ row.Amount | amount }},"
TEMPLATES = {
    "plain": ORDERS + "{% for row in rows %}\n{{ row.Oid }},{{ row.Tracker }},{{ row.Amount }}," + CELLS,
    "read": f"{ORDERS}{{% for row in rows %}}\n{READ}{CELLS}",
    "dates": f'{ORDERS}{{% for row in rows if row.Date | date > "2000" %}}\n{READ}{CELLS}',
    "looked-up": f"{ORDERS}{{% for row in rows %}}\n{READ}"
    + CELLS.replace("row.Status", 'row.Status | lookup("categories")'),
    "items": "Oid,ActionTrackerID,SKU,Amount,Quantity,Reason\n{% for row in rows %}\n"
    "{{ row.Oid }},{{ row.Tracker }},{{ row.SKU }},{{ row.Amount | amount }},{{ row.Quantity | quantity }},"
    "{{ row.Reason }}\n{% endfor %}\n",
}
TABLES = {"categories": {"Shoes": "Footwear", "Hats": "Headwear"}}


def dropped(case: dict, records: list[dict], path: Path) -> None:
    """Write the file that a case drops."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(SOUND))
    writer.writeheader()
    for cells in records:
        longer = {name: cell * case.get("long", 1) for name, cell in cells.items()}
        writer.writerow(SOUND | longer)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def prepared(case: dict, folder: Path) -> tuple[list[dict], list[str]]:
    """Prepare what a case drops: the findings, and the rows of the batches."""
    kind = case.get("template", "plain")
    feed = Feed.model_validate(
        {
            "name": "refunds",
            "level": "item" if kind == "items" else "order",
            "template": "t.csv.j2",
            "destination": "impact",
            "delimiter": "comma",
            "bad_rows": {"policy": "split", "at_most": 1.0},
            **case.get("feed", {}),
        }
    )
    memory = Memory()
    for number, cells in enumerate((*case.get("before", ()), case["cells"])):
        scratch = folder / f"scratch-{number}"
        scratch.mkdir()
        dropped(case, cells if isinstance(cells, list) else [cells], folder / "source.csv")
        job = Job(feed, TEMPLATES[kind], "", folder / "source.csv", scratch, 100, tables=TABLES, now=NOW)
        done = prepare(Job.from_json(job.to_json()), lambda _: None, memory.ask)
        memory.take(job, done)
    findings = (scratch / done.findings_file).read_text(encoding="utf-8").splitlines()
    batches = "".join((scratch / draft.file).read_text(encoding="utf-8") for draft in done.drafts)
    return [json.loads(one) for one in findings], batches.splitlines()[1:]


def test_no_row_of_the_catalogue_is_forgotten() -> None:
    """Each row about values has a case; an empty walk would pass everything below."""
    assert {case.values[0]["row"] for case in CASES} - {"more"} >= ROWS
    assert len(CASES) > 90


@pytest.mark.parametrize("case", CASES)
def test_a_value_of_the_catalogue(case: dict, tmp_path: Path) -> None:
    """It is found under its code, at its place, with words that name the cause and a cure; or it is sent."""
    started = time.monotonic()
    findings, rows = prepared(case, tmp_path)
    assert time.monotonic() - started < SECONDS
    if "sent" in case:
        assert [
            one["code"] for one in findings if one["severity"] == "error" or one["code"] == "W-IDPREC"
        ] == []
        assert rows == case["sent"]
        return
    found = next(one for one in findings if one["code"] == case["code"])
    record = case.get("at", 1)
    assert (found["field"], found["record"] or 0) == (case["field"], record)
    assert found["place"] == (f"line {record + 1}" if record else "")
    assert case["words"] in found["words"]
    assert case["mend"] in found["mend"]
    assert found["found"] == case.get("found", found["found"])
    if found["severity"] == "error":
        assert rows == []


@pytest.mark.parametrize("case", [case for case in CASES if case.values[0].get("code") == "E-PII"])
def test_a_personal_value_is_nowhere_in_what_is_told(case, tmp_path: Path) -> None:
    """Neither in the finding nor in what goes to the ledger; the rejects file is the sender's own."""
    findings, _ = prepared(case, tmp_path)
    told = json.dumps(findings)
    assert [cell for cell in case["cells"].values() if len(cell) > 4 and cell in told] == []
