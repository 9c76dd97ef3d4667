"""The whole way by mail: a batch through a real Postfix into a real mailbox, and what comes back from there."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from agent.sandbox.answers import Error, result
from agent.states import AnswerState, BatchState
from tests.oracle import assert_answers_kept, assert_recorded, assert_sent_has_come, assert_told_once, at_rest
from tests.post import IMPACT, Post
from tests.real.test_online_retail import FEED, Expected
from tests.running import put, told_in
from tests.samples import look_alike, sample

PLAIN = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
"""
HEADER = "ActionTrackerID,Oid,SKU,Amount,Quantity,Reason"
SHOP = f"{HEADER}\n16027,S-1,RED-1,0,0,ITEM_RETURNED\n16027,S-2,BLUE-7,0,0,OTHER\n".encode()
REFUSED = (3, 500)  # rows of the retail batch that impact.com refuses, the first row is 0


@pytest.fixture
def post(authority):
    """Return a post with empty mailboxes."""
    with Post(authority) as made:
        yield made


@pytest.fixture
def installation(post, install, sshd):
    """Return an installation that delivers by mail and listens to our mailbox."""
    made = install(sshd)
    made.settings["destinations"] = {"there": post.destination()}
    made.settings["acknowledgements"] = [post.source(made)]
    made.save()
    return made


@pytest.fixture
def shop(installation):
    """Return the drop folder of a feed that takes impact.com's own files."""
    return installation.feed("shop", PLAIN)


def batches(installation, *states):
    """Return the batches in these states, or in any."""
    with installation.ledger() as ledger:
        found = [one for each in ledger.submissions(limit=100) for one in ledger.batches_of(each.id)]
    return [one for one in found if not states or one.state in states]


def wait_for_state(installation, *states):
    """Wait until the batches are in these states and people were told; return them."""
    wanted = sorted(states)
    installation.latest.wait_until(
        lambda: sorted(one.state for one in batches(installation)) == wanted and at_rest(installation),
        f"batches to be {wanted}",
    )
    return batches(installation)


def came(post, installation) -> dict[str, bytes]:
    """Return what is at the far side under the names of our batches."""
    ours = {batch.name for batch in batches(installation)}
    return {name: content for name, content in post.arrived().items() if name in ours}


def refusals(expected: Expected) -> list[Error]:
    """Return what impact.com says of the rows it refuses."""
    rows = [(number, *expected.rows[number]) for number in REFUSED]
    return [
        Error(number + 2, order, article, "Validation", "ACTION_REF_NOT_FOUND")
        for number, order, article in rows
    ]


def test_reversals_go_out_and_their_result_comes_back(post, installation, shop):
    """The bytes are exact; two rows are refused and named, the file needs a look; the other feed ends well."""
    ledger = sample() or look_alike()
    expected = Expected(ledger)
    retail = installation.feed("retail", FEED)
    put(retail, "retail.csv", ledger)
    put(shop, "shop.csv", SHOP)
    with installation.run() as agent:
        first, second = sorted(wait_for_state(installation, "SENT", "SENT"), key=lambda one: one.rows)[::-1]
        post.postfix.mails()
        assert came(post, installation)[first.name] == expected.batch()
        assert_sent_has_come(installation, came(post, installation))
        refused = refusals(expected)
        answer = result(first.name, first.rows, refused)
        post.answer({f"result_{first.name}": answer})
        post.answer({f"result_{second.name}": result(second.name, second.rows)})
        wait_for_state(installation, "PROCESSED", "PROCESSED")
        assert agent.stop() == 0
    assert {batch.name: batch.refused for batch in batches(installation)} == {first.name: 2, second.name: 0}
    files = told_in(retail, "attention")["retail.csv"]
    assert files["retail.csv"] == ledger
    report = files["report.txt"].decode()
    assert f"Partly accepted: impact.com refused 2 of {len(expected.rows):,} rows" in report
    named = [line.split() for line in report.partition("ACTION_REF_NOT_FOUND")[2].splitlines()]
    for error in refused:
        assert [line for line in named if error.OrderId in line and error.Sku in line], report
    assert set(told_in(shop, "done")) == {"shop.csv"}
    assert_told_once(retail, {"retail.csv": ledger})
    assert_told_once(shop, {"shop.csv": SHOP})
    assert_recorded(installation, ["retail.csv", "shop.csv"])
    assert assert_answers_kept(installation) == {AnswerState.APPLIED: 2}


def test_what_is_not_about_us_or_not_new_changes_nothing(post, installation, shop):
    """The same result again, a batch of somebody else, a stranger's mail: kept or passed over, and told."""
    put(shop, "shop.csv", SHOP)
    with installation.run() as agent:
        (batch,) = wait_for_state(installation, "SENT")
        answer = {f"result_{batch.name}": result(batch.name, batch.rows, [Error(2, "S-1", "RED-1", "", "X")])}
        foreign = batch.name.replace(batch.id, "a" * len(batch.id))
        post.answer({f"result_{batch.name}": result(batch.name, 2)}, sender="results@example.org")
        post.answer(answer)
        (before,) = wait_for_state(installation, "PROCESSED")
        told = told_in(shop, "attention")
        post.answer(answer)
        post.answer({f"result_{foreign}": result(foreign, 7)}, subject="Result of somebody else's batch")
        agent.wait_for("acknowledgement.unmatched")
        agent.wait_for("acknowledgement.applied", 2)
        agent.wait_until(lambda: at_rest(installation), "all to come to rest")
        assert agent.stop() == 0
    (after,) = batches(installation)
    assert replace(after, updated_at=0.0) == replace(before, updated_at=0.0)
    assert before.refused == 1
    assert told_in(shop, "attention") == told
    assert assert_answers_kept(installation) == {AnswerState.APPLIED: 2, AnswerState.UNMATCHED: 1}
    (unmatched,) = installation.told("status")["unmatched"]
    assert unmatched["name"] == "Result of somebody else's batch"
    assert b"result_" + foreign.encode() in (installation.state / unmatched["path"]).read_bytes()
    assert "Result of somebody else's batch" in installation.ask("status").stdout


@pytest.mark.parametrize("orders", [2, 2000])
def test_a_mail_that_comes_back_is_sent_again_by_a_person(post, installation, shop, orders):
    """Nobody is there: FAILED, in plain words; mended and sent again it arrives, and ends as any other.

    Of a large mail Postfix returns the head only.
    """
    rows = "".join(f"16027,S-{orders}-{number},RED-1,0,0,ITEM_RETURNED\n" for number in range(orders))
    source = f"{HEADER}\n{rows}".encode()
    installation.settings["destinations"]["there"]["recipient"] = "nobody@batch.example.com"
    installation.save()
    put(shop, "shop.csv", source)
    with installation.run() as agent:
        (batch,) = wait_for_state(installation, BatchState.FAILED)
        assert "the mail came back" in batch.reason
        assert "unknown user" in batch.reason
        report = told_in(shop, "attention")["shop.csv"]["report.txt"].decode()
        assert "the mail came back" in " ".join(report.split())
        assert f"resend {batch.id}" in " ".join(report.split())
        assert came(post, installation) == {}
        installation.settings["destinations"]["there"]["recipient"] = post.recipient
        installation.save()
        agent.process.send_signal(signal.SIGHUP)
        agent.wait_for("settings.reloaded")
        installation.told("resend", batch.id, "--why", "the address was wrong")
        (again,) = wait_for_state(installation, "SENT")
        post.postfix.mails()
        assert_sent_has_come(installation, came(post, installation))
        post.answer({f"result_{again.name}": result(again.name, again.rows)})
        wait_for_state(installation, "PROCESSED")
        assert agent.stop() == 0
    assert (again.name, again.sha256) == (batch.name, batch.sha256)
    assert_told_once(shop, {"shop.csv": source})
    assert set(told_in(shop, "done")) == {"shop.csv"}
    assert_recorded(installation, ["shop.csv"])
    assert assert_answers_kept(installation) == {AnswerState.APPLIED: 2}
    assert f"from {IMPACT}" not in agent.log.read_text()
