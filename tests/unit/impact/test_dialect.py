"""The dialect's data: every fact has a source, and every spelling the pages use is understood."""

import re
from importlib.resources import files

import pytest
import yaml

from agent.impact.dialect import canonical, dialect
from agent.model import Change, Level

DATA = yaml.safe_load(files("agent.impact").joinpath("dialect.yaml").read_text(encoding="utf-8"))
ABOUT = ("confidences", "sources")


def facts(node, place=""):
    """Walk to every fact; anything that is neither a fact nor a group of facts fails the walk."""
    assert isinstance(node, dict), f"{place}: {node!r} is no fact and has no source"
    if "is" in node:
        yield place, node
        return
    for name, child in node.items():
        yield from facts(child, f"{place}.{name}")


FACTS = list(facts({name: node for name, node in DATA.items() if name not in ABOUT}))


@pytest.mark.parametrize(("place", "fact"), FACTS, ids=[place for place, _ in FACTS])
def test_every_fact_has_a_source_that_exists(place, fact):
    """A fact names its sources and how sure it is; a choice of ours says why, all else needs a source."""
    assert set(fact) <= {"is", "source", "confidence", "note", "setting", "because"}
    assert set(fact["source"]) <= set(DATA["sources"])
    assert fact["confidence"] in DATA["confidences"]
    assert bool(fact.get("because")) == (fact["confidence"] == "choice")
    assert fact["source"] or fact["confidence"] == "choice"


def test_every_source_can_be_looked_up_and_is_used():
    """A source has a URL, or says what it is; none is left over."""
    named = {label for _, fact in FACTS for label in fact["source"]}
    assert named == set(DATA["sources"])
    for source in DATA["sources"].values():
        assert (source["url"] or "").startswith("https://") or source["what"]


def test_every_source_named_in_a_note_exists():
    """Notes and reasons name labels too."""
    words = " ".join(fact.get("note", "") + " " + fact.get("because", "") for _, fact in FACTS)
    assert set(re.findall(r"\b(?:H|I|S|GH)-[A-Z0-9-]+", words)) <= set(DATA["sources"])


def test_the_walk_over_facts_notices_one_without_a_source():
    """A bare value in the data fails."""
    with pytest.raises(AssertionError, match="size"):
        list(facts({"Oid": {"size": 64}}))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ActionID", "ActionID"),
        ("ActionId", "ActionID"),
        ("action id", "ActionID"),
        ("action_id", "ActionID"),
        ("Action-ID", "ActionID"),
        ("OID", "Oid"),
        ("oid", "Oid"),
        ("OrderId", "Oid"),
        ("ORDER_ID", "Oid"),
        ("orderid", "Oid"),
        (" Order  Id ", "Oid"),
        ("actiontrackerid", "ActionTrackerID"),
        ("ActionTrackerId", "ActionTrackerID"),
        ("EventTypeId", "ActionTrackerID"),
        ("Sku", "SKU"),
        ("Sku1", "SKU1"),
        ("sku_12", "SKU12"),
        ("Amount1", "Amount1"),
        ("quantity2", "Quantity2"),
        ("Category 3", "Category3"),
        ("CurrencyCode", "currencyCode"),
        ("Currency", "currencyCode"),
        ("customer status", "CustomerStatus"),
        ("REASON", "Reason"),
        ("Grund", "Reason"),
        ("Motivo", "Reason"),
        ("理由", "Reason"),
        ("Importo", "Amount"),
    ],
)
def test_any_spelling_of_the_pages_is_understood(written, expected):
    """Case and separators do not count; a number behind an item column stays."""
    assert expected == canonical(written)


@pytest.mark.parametrize(
    "other", ["", "Name", "Oid1", "Reason2", "Sku0", "Sku01", "SKU1x", "Lineitem sku", "1"]
)
def test_another_name_comes_back_unchanged(other):
    """What is no column of impact.com's is left alone."""
    assert other == canonical(other)


@pytest.mark.parametrize(
    ("level", "columns"),
    [
        (
            Level.ORDER,
            "ActionID Oid ActionTrackerID Amount currencyCode CustomerStatus Reason",
        ),
        (Level.ITEM, "ActionID Oid ActionTrackerID SKU Amount Quantity Category Reason"),
        (Level.MOBILE, "ActionID Amount Reason"),
        (Level.RESET, "Oid ActionTrackerID Reason"),
    ],
)
def test_each_level_has_the_columns_of_the_reference(level, columns):
    """In this order, which both official header lines keep too."""
    assert columns.split() == list(dialect().columns_of(level))


def test_the_reason_codes_are_those_listed_for_files():
    """Thirteen without conditions; RESET, APPROVED and REJECTED stand apart; two are for the API only."""
    known = dialect()
    for_files = {code for code, reason in known.reasons.items() if reason.file}
    listed = (
        "CONS_FRAUD CONS_ERROR ITEM_RETURNED ORDER_ERROR ORDER_UPDATE PUB_ACT_DISPUTE ADV_ACT_DISPUTE OTHER "
        "NOT_COMPLIANCE_TERMS ITEM_OUT_OF_STOCK TEST_ACTION PARTNER_NOT_ACTIVE CREDITED_DIFFERENT_MP"
    )
    assert for_files == set(listed.split())
    assert set(known.reasons) - for_files == {"CONS_INFO_INVALID", "MP_RETURNED"}
    assert {code: special.change for code, special in known.special.items()} == {
        "RESET": Change.RESET,
        "APPROVED": Change.APPROVAL,
        "REJECTED": Change.REVERSAL,
    }
