from __future__ import annotations

import json
from dataclasses import replace

from agent.codes import CODES
from agent.feedback.listing import GROUPS, ROWS, ROWS_IN_ALL, listed
from agent.model import Finding, Severity


def _found(code="X-REASON", record=1, **more) -> Finding:
    return Finding(
        code,
        Severity.ERROR,
        "The reason is unknown",
        "Use a reason code",
        field="Reason",
        record=record,
        **more,
    )


def test_rows_come_in_the_order_of_the_file(grouped, write_findings) -> None:
    """Each group gets its own rows, as they stand in the list of all findings."""
    path = write_findings([_found(record=1), _found("X-OTHER", record=2), _found(record=3)])
    reason, other = listed((grouped(count=2), grouped("X-OTHER")), path)

    assert [row.record for row in reason.rows] == [1, 3]
    assert [row.record for row in other.rows] == [2]
    assert (reason.more, other.more) == (0, 0)


def test_rows_are_capped_and_the_rest_counted(grouped, write_findings) -> None:
    """A group lists so many rows and says how many more there are."""
    path = write_findings(_found(record=number) for number in range(1, 252))
    (listing,) = listed((grouped(count=251),), path)

    assert len(listing.rows) == ROWS
    assert listing.more == 251 - ROWS


def test_many_groups_share_the_page(grouped, write_findings) -> None:
    """Thousands of kinds of findings do not make an endless report."""
    groups = tuple(grouped(f"X-{number}", count=1000) for number in range(300))
    path = write_findings(_found(f"X-{number}", record=row) for number in range(300) for row in range(1, 40))
    listings = listed(groups, path)

    assert len(listings) == GROUPS
    assert sum(len(listing.rows) for listing in listings) == ROWS_IN_ALL


def test_reading_stops_when_nothing_is_wanted(grouped, tmp_path) -> None:
    """What stands behind the last wanted row is not even parsed."""
    path = tmp_path / "findings.jsonl"
    line = json.dumps({"code": "X-REASON", "severity": "error", "words": "w", "field": "Reason", "record": 1})
    path.write_text(line + "\n" + "{" * 100_000, encoding="utf-8")
    (listing,) = listed((grouped(count=1),), path)

    assert [row.record for row in listing.rows] == [1]


def test_the_weightiest_come_first(grouped) -> None:
    """Errors before warnings before notes; among them the most frequent, then by code."""
    groups = (
        grouped("X-NOTE", 9, Severity.NOTE),
        grouped("X-B", 2),
        grouped("X-WARN", 5, Severity.WARNING),
        grouped("X-A", 2),
        grouped("X-MANY", 7),
    )

    assert [listing.group.code for listing in listed(groups, None)] == [
        "X-MANY",
        "X-A",
        "X-B",
        "X-WARN",
        "X-NOTE",
    ]


def test_a_damaged_list_does_not_end_the_report(grouped, tmp_path) -> None:
    """Lines that are no finding are passed over; what can be read is shown."""
    good = {"code": "X-REASON", "severity": "error", "words": "w", "field": "Reason", "record": 7}
    lines = [
        "{",
        "[]",
        "7",
        "null",
        '{"code": 3}',
        "[" * 99_999,
        json.dumps(good | {"code": ["X-REASON"]}),
        '{"found": "' + "x" * 2_500_000 + '"}',
        "\udcff",
        json.dumps(good | {"record": "seven", "found": ["odd"]}),
        json.dumps(good),
    ]
    path = tmp_path / "findings.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogateescape")
    (listing,) = listed((grouped(count=9),), path)

    assert [row.record for row in listing.rows] == [None, 7]
    assert listing.more == 7


def test_examples_stand_in_for_a_missing_list(grouped, tmp_path) -> None:
    """When the list is gone, the group's examples are shown."""
    group = grouped(count=3, examples=(_found(record=8, found="\x07"),))
    (listing,) = listed((group,), tmp_path / "gone.jsonl")

    assert [(row.record, row.found) for row in listing.rows] == [(8, "[U+0007]")]
    assert listing.more == 2


def test_a_row_repeats_nothing_of_its_group(grouped) -> None:
    """Words and mending are told once for the group, and again only where a row's differ."""
    same, other = _found(), replace(_found(), words="“x” is no code", mend="use OTHER")
    (listing,) = listed((grouped(count=2, examples=(same, other)),), None)

    assert [(row.words, row.mend) for row in listing.rows] == [("", ""), ("“x” is no code", "use OTHER")]


def test_a_known_code_gives_the_title(grouped) -> None:
    """The title is the code's where the table has it, else the group's words."""
    for code, meaning in list(CODES.items())[:3]:
        assert listed((grouped(code),), None)[0].title == meaning.title
    assert listed((grouped("X-NEW"),), None)[0].title == "The reason is unknown"


def test_mistakes_stand_before_what_follows_from_them(grouped):
    """Orders kept back because of another row come behind the mistakes, however many they are."""
    groups = (
        grouped("E-ORDERKEPT", count=900),
        grouped("E-NUM", count=2),
        grouped("W-NOQTY", count=5, severity=Severity.WARNING),
    )

    assert [listing.group.code for listing in listed(groups, None)] == ["E-NUM", "E-ORDERKEPT", "W-NOQTY"]
