"""impact.com's error codes in plain words: every published one, and no claim beyond what is published."""

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from agent.impact.answers import meanings, status_words

FACTS = yaml.safe_load(files("agent.impact").joinpath("answers.yaml").read_text(encoding="utf-8"))
PUBLISHED = tuple(
    """
ACTION_REF_NOT_FOUND ACTIONTERMS_NOT_FOUND ACTIONTRACKER_CAMPAIGN_MISMATCH ACTIONTRACKER_NOT_ACTIVE
ACTIONTRACKER_NOT_FOUND BLACKLISTED_SOURCE_IP BLOCKED_BY_PROMOCODE CALL_DUPLICATE CALL_DURATION_TOO_SHORT
CALL_FOR_CALL_PER_CONV_AT CALL_INCOMPLETE CALL_OUTSIDE_DAILY_RANGE CAMPAIGN_NOT_FOUND CONTRACT_NOT_FOUND
CONV_DUPLICATE CONV_MALFORMED CREDITING_RULE_MISMATCH MALFORMED MAX_RECURRENCES_REACHED NO_ITEM
NO_VALID_ACTION_REF OID_MISSING OTHER_REF_PRIORITIZED OUTSIDE_ASSOCIATION_WINDOW PARTNER_NOT_ACTIVE
REFTYPE_NOT_ACCEPTED RESTRICTED_PROMOCODE UNCLAIMED
""".split()  # noqa: SIM905 - as a paragraph it can be compared with the page
)


def test_every_published_code_is_there_and_no_other():
    """The list is that of the error object, and the one code the help page adds."""
    assert set(FACTS["codes"]) == set(PUBLISHED)


@pytest.mark.parametrize("code", PUBLISHED)
def test_each_code_names_its_source_and_how_sure_it_is(code):
    """A fact without a source has no place there."""
    fact = FACTS["codes"][code]
    assert set(fact) == {"words", "mend", "source", "confidence"}
    assert set(fact["source"]) <= set(FACTS["sources"])
    assert fact["confidence"] in FACTS["confidences"]


def test_only_what_is_written_counts_as_certain():
    """All but one meaning are read from the code's name."""
    assert [code for code in PUBLISHED if meanings(code)[0].certain] == ["MALFORMED"]


def test_an_unknown_code_is_named_and_not_explained():
    """Codes are open-ended: another one keeps its name and gets neutral words."""
    (meaning,) = meanings("SOMETHING_NEW")
    assert (meaning.code, meaning.words) == ("SOMETHING_NEW", "impact.com did not take the row")
    assert meanings("")[0].code == ""


def test_several_codes_are_told_one_by_one():
    """An answer may give several at once, parted by spaces."""
    told = meanings("CONTRACT_NOT_FOUND RESTRICTED_PROMOCODE CONTRACT_NOT_FOUND")
    assert [meaning.code for meaning in told] == ["CONTRACT_NOT_FOUND", "RESTRICTED_PROMOCODE"]


def test_statuses_are_told():
    """The two published ones have words; whatever else comes has none."""
    assert "no payout" in status_words("Contract Error")
    assert status_words("Validation")
    assert status_words("Queued") == ""


def test_the_list_stands_beside_its_module():
    """An installed package has it as well."""
    assert Path(str(files("agent.impact"))).joinpath("answers.yaml").is_file()
