"""The form of a batch file: cells, lines and names."""

import csv
import datetime as dt

import pytest

from agent.impact.batchfile import bad_name, batch_name, encode, line, matches
from agent.model import Fault

DAY = dt.date(2025, 2, 12)
BATCH = "k3v7q2m5x4zp6r8t"
NAME = f"shop-refunds_20250212_{BATCH}.csv"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", ""),
        ("O1", "O1"),
        (" O1 ", " O1 "),
        ("a,b", '"a,b"'),
        ('5" pipe', '"5"" pipe"'),
        ("a\nb", '"a\nb"'),
        ("a\rb", '"a\rb"'),
        ("a;b\tc", "a;b\tc"),
        ("Straße", "Straße"),
    ],
)
def test_a_cell_is_quoted_only_when_it_must_be(cell, expected):
    """Comma, quote and line breaks need quotes, nothing else does."""
    assert expected == encode(cell)


@pytest.mark.parametrize(
    "cells",
    [
        ("ActionID", "Amount", "Reason"),
        ("O1", "16027", "0", "ITEM_RETURNED"),
        ("", "", ""),
        ("a,b", 'c"d', "e\nf", "g\rh", "", " i "),
        ('"', '""', ",", "\r\n"),
    ],
)
def test_a_line_reads_back_as_its_cells(cells):
    """It ends in CR LF and an independent reader finds the same cells."""
    text = line(cells)
    assert text.endswith("\r\n")
    assert [list(cells)] == list(csv.reader([text], strict=True))


def test_a_name_says_feed_day_and_batch():
    """Without a pattern, and with one that this name matches."""
    assert batch_name("shop-refunds", DAY, BATCH, "csv") == NAME
    assert batch_name("shop-refunds", DAY, BATCH, "csv", "*.csv") == NAME
    assert batch_name("shop-refunds", DAY, BATCH, "csv", "shop-*_????????_*.csv") == NAME


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("acme_*.csv", f"acme_shop-refunds_20250212_{BATCH}.csv"),
        ("acme_*", f"acme_shop-refunds_20250212_{BATCH}.csv"),
        ("Batch_Mods_Reversals_????_??_??.csv", "Batch_Mods_Reversals_k3v7_q2_m5.csv"),
        ("m??_*_*.csv", f"mk3_shop-refunds_20250212_{BATCH}_.csv"),
        ("[mods]_*.csv", f"[mods]_shop-refunds_20250212_{BATCH}.csv"),
        ("mods_*.CSV", None),
        ("mods_*.xml", None),
        ("mods.csv", None),
        ("mods_???.csv", None),
        ("receipt_*.csv", None),
        ("RESULT_*.csv", None),
        ("out/*.csv", None),
        (".*.csv", None),
        ("x" * 250 + "*.csv", None),
    ],
)
def test_a_name_is_made_to_match_the_pattern_of_the_connection(pattern, expected):
    """Wildcards take the unique part; where that cannot make a usable unique name, a fault says so."""
    name = batch_name("shop-refunds", DAY, BATCH, "csv", pattern)
    if expected is None:
        assert isinstance(name, Fault)
        assert name.code == "E-NAMEPATTERN"
    else:
        assert expected == name
        assert matches(name, pattern)


@pytest.mark.parametrize("feed", ["receipt", "result", "Receipt", "RESULT"])
def test_a_feed_named_like_an_answer_does_not_make_names_that_are_ignored(feed):
    """Names that begin with receipt_ or result_ are never used, in any case of letters."""
    assert batch_name(feed, DAY, BATCH, "csv") == f"batch_{feed}_20250212_{BATCH}.csv"


@pytest.mark.parametrize(
    ("name", "pattern", "usable"),
    [
        (NAME, "", True),
        (NAME, "mods_*", False),
        ("Receipt_1.csv", "", False),
        ("result_1.csv", "*", False),
        ("results.csv", "", True),
        ("a.xml", "", False),
        ("a/b.csv", "", False),
        ("a\nb.csv", "", False),
        (".a.csv", "", False),
        ("é" * 126 + ".csv", "", False),
    ],
)
def test_a_name_that_cannot_be_used_is_told(name, pattern, usable):
    """Whoever made it."""
    assert usable == (bad_name(name, "csv", pattern) is None)


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("mods_1.csv", "mods_*.csv", True),
        ("mods_.csv", "mods_*.csv", True),
        ("mods_1.csv", "mods_?.csv", True),
        ("mods_12.csv", "mods_?.csv", False),
        ("Mods_1.csv", "mods_*.csv", False),
        ("mods_1xcsv", "mods_*.csv", False),
        ("m", "[m]", False),
        ("a" * 100, "*" * 60 + "b", False),
    ],
)
def test_only_the_two_wildcards_are_special(name, pattern, expected):
    """A star is any run, a question mark any one character; case counts, since no page says otherwise."""
    assert expected == matches(name, pattern)
