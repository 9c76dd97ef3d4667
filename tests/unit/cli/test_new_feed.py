from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path

import pytest

from tests.running import arrived

CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "new-feed"


@pytest.fixture
def sample(tmp_path):
    """A list of refunds as a shop exports it."""
    file = tmp_path / "WooCommerce orders 2024-05.csv"
    file.write_bytes((CORPUS / "woocommerce" / "sample.csv").read_bytes())
    return file


def tree(folder):
    """Return every file below a folder with its bytes."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_sample_becomes_a_feed_and_a_template(place, ask, sample, inbox):
    """Named after the file; what wants a look is listed by file and line; nothing is sent, nothing else is touched."""
    before = tree(place.folder)
    said = ask("new-feed", str(sample))
    assert (said.code, said.err) == (0, "")
    new = tree(place.folder).keys() - before.keys()
    assert {Path(path).name for path in new} == {"woo-commerce-orders.yaml", "woo-commerce-orders.csv.j2"}
    assert {path: text for path, text in tree(place.folder).items() if path in before} == before
    assert "feeds/woo-commerce-orders.yaml:11: action_tracker_id: CHECK" in said.out
    assert "NOTHING WOULD BE SENT" in said.out
    command = f"impact-agent -c {place.config} preview '{sample}' --feed woo-commerce-orders"
    assert command in said.out
    assert ask("check").code == 0
    assert not place.state.exists()
    assert arrived(inbox) == {}


def test_the_draft_is_told_as_json(place, ask, sample):
    """Files, marks and preview."""
    told = ask("new-feed", str(sample), "--name", "woo", "--json").told
    assert (told["feed"], [Path(path).name for path in told["written"]]) == (
        "woo",
        ["woo.yaml", "woo.csv.j2"],
    )
    assert told["preview"]["detected"]["delimiter"] == "comma"
    assert all(mark["line"] > 0 and "CHECK" in mark["text"] for mark in told["marks"])


@pytest.mark.parametrize("taken", ["feeds/woo.yaml", "templates/woo.csv.j2"])
def test_nothing_is_overwritten(place, ask, sample, taken):
    """Neither of the two; and where one is in the way, the other is not left behind."""
    path = place.config / taken
    path.write_text("name: woo\n" if taken.startswith("feeds") else "mine\n", encoding="utf-8")
    if taken.startswith("feeds"):
        path.unlink()
        place.feed(
            "woo", (place.config / "feeds" / "shop.yaml").read_text(encoding="utf-8").partition("\n")[2]
        )
    before = tree(place.folder)
    said = ask("new-feed", str(sample), "--name", "woo")
    assert (said.code, "choose another name with --name" in said.err) == (2, True)
    assert tree(place.folder) == before


def test_a_feed_of_another_file_is_not_overwritten(place, ask, sample):
    """Its file may have any name; what counts is the name inside, and the name of the new file."""
    (place.config / "feeds" / "woo.yaml").write_bytes((place.config / "feeds" / "shop.yaml").read_bytes())
    (place.config / "feeds" / "shop.yaml").unlink()
    before = tree(place.folder)
    said = ask("new-feed", str(sample), "--name", "woo")
    assert (said.code, "is there already and was left as it is" in said.err) == (2, True)
    assert tree(place.folder) == before


def test_the_first_feed_of_an_installation(place, ask, sample):
    """There need be none before; the folders for feeds and templates neither."""
    (place.config / "feeds" / "shop.yaml").unlink()
    (place.config / "feeds").rmdir()
    (place.config / "templates").rmdir()
    assert ask("new-feed", str(sample), "--name", "woo").code == 0
    assert ask("check").code == 0


def test_without_settings_it_says_how_to_begin(ask, sample, tmp_path):
    """What to make, and where the commented samples are."""
    said = ask("new-feed", str(sample), config=str(tmp_path / "nowhere"))
    assert said.code == 78
    assert "agent.yaml" in said.err
    assert "README" in said.err


def test_of_several_destinations_one_is_named(place, ask, sample):
    """Nobody guesses where money goes."""
    place.settings["destinations"]["other"] = deepcopy(place.settings["destinations"]["there"])
    place.save()
    said = ask("new-feed", str(sample), "--name", "woo")
    assert (said.code, "--destination: other, there" in said.err) == (2, True)
    said = ask("new-feed", str(sample), "--name", "woo", "--destination", "elsewhere")
    assert (said.code, "there is no destination 'elsewhere'" in said.err) == (2, True)
    assert ask("new-feed", str(sample), "--name", "woo", "--destination", "other").code == 0
    assert "destination: other\n" in (place.config / "feeds" / "woo.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["Woo", "a b", "../x", "", "x" * 64])
def test_a_name_that_cannot_be_one(place, ask, sample, name):
    """Told at once; nothing is written."""
    before = tree(place.folder)
    assert ask("new-feed", str(sample), "--name", name).code == 2
    assert tree(place.folder) == before


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "E-EMPTY"), (b"a,b\n", "E-NOROWS"), (b"%PDF-1.7\n", "E-TYPE"), (b'a,b\n"1,2\n', "E-QUOTE")],
)
def test_a_sample_that_cannot_be_read(place, ask, tmp_path, content, code):
    """65, with the reader's reason and mend; nothing is written."""
    file = tmp_path / "sample.csv"
    file.write_bytes(content)
    before = tree(place.folder)
    said = ask("new-feed", str(file))
    assert (said.code, code in said.err) == (65, True)
    assert tree(place.folder) == before


def test_a_pipe_is_no_sample(ask, tmp_path):
    """And is not waited for."""
    os.mkfifo(tmp_path / "sample.csv")
    said = ask("new-feed", str(tmp_path / "sample.csv"))
    assert (said.code, said.out) == (65, "")


def test_the_level_may_be_asked_for(place, ask, tmp_path):
    """Order by order although the file has articles; and the shipped template for Shopify's items."""
    file = tmp_path / "orders.json"
    file.write_bytes((CORPUS / "json-line-items" / "sample.json").read_bytes())
    assert ask("new-feed", str(file), "--level", "order").code == 0
    assert "\nOid,ActionTrackerID,Amount,Reason\n" in (
        place.config / "templates" / "orders.csv.j2"
    ).read_text("utf-8")
    file = tmp_path / "shopify.csv"
    file.write_bytes((CORPUS / "shopify" / "sample.csv").read_bytes())
    assert ask("new-feed", str(file), "--level", "item").code == 0
    assert "template: shopify-item-modifications.csv.j2" in (
        place.config / "feeds" / "shopify.yaml"
    ).read_text("utf-8")


def test_impacts_own_file_gets_the_shipped_template(place, ask, tmp_path):
    """Nothing has to be changed: the preview is clean at once."""
    file = tmp_path / "mods.csv"
    file.write_text(
        "OrderId,ActionTrackerId,SKU,Amount,Quantity,Reason\n1,16027,R,0,0,OTHER\n", encoding="utf-8"
    )
    told = ask("new-feed", str(file), "--json").told
    assert (told["marks"], told["preview"]["refused"], told["preview"]["counts"]["sent"]) == ([], "", 1)
    assert not (place.config / "templates" / "mods.csv.j2").exists()


def test_a_name_may_have_digits_in_its_words(ask, sample):
    """Words that begin with a letter name the feed; dates and numbers do not."""
    file = sample.rename(sample.with_name("13 shopware5_2024-05.csv"))
    assert ask("new-feed", str(file), "--json").told["feed"] == "shopware5"
