from __future__ import annotations

import pytest

from agent.codes import CODES


@pytest.fixture
def told(ask, tmp_path):
    """Ask without any settings."""
    return lambda *words: ask("explain", *words, config=str(tmp_path / "nowhere"))


@pytest.mark.parametrize("spelt", ["E-SCIID", "e-sciid", "E_SCIID", "sciid", " E-SCIID "])
def test_a_code_is_explained_without_settings(told, spelt):
    """In any spelling: what it is, how much it weighs, how to mend it, an example."""
    said = told(spelt)
    assert (said.code, said.err) == (0, "")
    first, weight, *_ = said.out.splitlines()
    assert (first, weight) == ("E-SCIID: A spreadsheet has destroyed an id", "Error: not sent")
    assert "How to mend it: Export again with the column formatted as text" in said.out
    assert "For example:" in said.out
    assert max(map(len, said.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("wrong", "meant"), [("E-SCIDD", "E-SCIID"), ("E-REASONS", "E-REASON"), ("Q-BOM", "Q-BOMB")]
)
def test_a_slip_gets_the_nearest_code(told, wrong, meant):
    """2, and what was probably meant."""
    said = told(wrong)
    assert (said.code, f"did you mean {meant}?" in said.err, said.out) == (2, True, "")


def test_what_is_near_no_code_gets_no_guess(told):
    """Only where the list is."""
    said = told("zzzzzzzz")
    assert (said.code, "did you mean" in said.err, "`impact-agent explain` lists all" in said.err) == (
        2,
        False,
        True,
    )


def test_without_a_code_all_are_listed(told):
    """One after the other, each with its title."""
    said = told()
    assert [line.split()[0] for line in said.out.splitlines() if line[0] != " "] == list(CODES)


def test_pages_for_programs(told):
    """One page, or all of them."""
    one = told("W-NOQTY", "--json").told
    assert (one["code"], one["severity"]) == ("W-NOQTY", "warning")
    assert [each["code"] for each in told("--json").told] == list(CODES)


@pytest.mark.parametrize(
    ("code", "means"),
    [("T-CELL", "The template is wrong"), ("C-TREE", "The settings are wrong"), ("Q-BOMB", "Set aside")],
)
def test_a_page_says_what_follows(told, code, means):
    """A file set aside, a wrong template and wrong settings are other things than a row not sent."""
    assert told(code).out.splitlines()[1].startswith(means)
