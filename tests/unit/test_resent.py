"""Orders that come back in later files, all the way: what was delivered, refused, cancelled or released on purpose."""

from __future__ import annotations

from agent.settings.models import BadRows
from agent.stages import decide as stages_decide
from agent.stages.prepare import prepare
from tests.house import HEADER, feed, source
from tests.unit.stages.test_acknowledge import collect


def items(*rows):
    """Return a file of impact.com's own form: order and amount of each row."""
    lines = [f"16027,{order},RED-1,{amount},1,ITEM_RETURNED" for order, amount in rows]
    return "\n".join([HEADER, *lines, ""]).encode()


def arrived(house):
    """Return order and amount of every row that became visible, file by file."""
    files = [house.far.files[name].decode().split("\r\n") for name in house.far.published]
    header = files[0][0].split(",")
    order, amount = header.index("Oid"), header.index("Amount")
    return [[(row.split(",")[order], row.split(",")[amount]) for row in rows[1:-1]] for rows in files]


def delivered(house, name, content):
    """Drop a file and do all that is due."""
    taken = house.taken(name, content)
    house.drain()
    return house.submission(taken.id)


def codes(house, submission):
    """Count the findings by code."""
    return {group.code: group.count for group in house.ledger.groups(submission.id)}


def decide(house, verb, subject):
    """Let a person decide."""
    word = stages_decide.Word(verb, subject.id, "I have looked", house.now)
    decision = stages_decide.decide(house.ledger, house.settings, word)
    house.ledger.commit(decision.transitions, at=house.now, actor="jo")
    house.drain()
    return house.submission(subject.id)


def test_an_export_that_repeats_what_was_sent_sends_what_is_new(house_of):
    """And its report says so, in the folder of what ended well."""
    house = house_of()
    first = delivered(house, "monday.csv", items(("A", "5"), ("B", "1")))
    second = delivered(house, "tuesday.csv", items(("A", "5"), ("B", "1"), ("C", "2")))
    assert arrived(house) == [[("A", "5.00"), ("B", "1.00")], [("C", "2.00")]]
    assert codes(house, second) == {"N-RESENT": 2}
    report = " ".join(house.told("done")["tuesday.csv"]["report.txt"].decode().split())
    assert "2 records said what was sent before; that was not sent again." in report
    assert f"submission {first.id} of 2027-01-15" in report


def test_a_file_with_nothing_new_ends_well(house_of):
    """Nothing is wrong with it."""
    house = house_of()
    delivered(house, "monday.csv", items(("A", "5"), ("B", "1")))
    second = delivered(house, "tuesday.csv", items(("B", "1"), ("A", "5")))
    assert (len(house.far.published), second.state) == (1, "CLOSED")
    assert "There was nothing new to send" in house.told("done")["tuesday.csv"]["report.txt"].decode()


def test_an_old_export_does_not_put_an_old_amount_back(house_of):
    """It comes back as rejects; dropped as they are they are refused, and a release sends them."""
    house = house_of(feed(bad_rows={"policy": "split", "at_most": "50%"}))
    delivered(house, "monday.csv", items(("A", "5"), ("B", "1")))
    delivered(house, "tuesday.csv", items(("A", "3")))
    third = delivered(house, "monday again.csv", items(("A", "5"), ("C", "1")))
    assert arrived(house)[2:] == [[("C", "1.00")]]
    assert codes(house, third) == {"E-RESENT": 1}
    rejects = house.told("attention")["monday again.csv"]["monday again.rejects.csv"]
    fourth = delivered(house, "monday again.rejects.csv", rejects)
    assert (fourth.state, len(house.far.published)) == ("REJECTED", 3)
    assert decide(house, "release", fourth).state == "CLOSED"
    assert arrived(house)[3:] == [[("A", "5.00")]]
    assert codes(house, fourth) == {"W-RESENT": 1}


def test_a_corrected_file_sends_just_what_was_kept_back(house_of):
    """Also where somebody mends the whole file rather than the rejects."""
    house = house_of(feed(bad_rows={"policy": "split", "at_most": "50%"}))
    delivered(house, "a.csv", items(("A", "5"), ("B", "wrong")))
    delivered(house, "a.csv", items(("A", "5"), ("B", "1")))
    assert arrived(house) == [[("A", "5.00")], [("B", "1.00")]]


def test_the_same_bytes_that_are_released_go_out_whole(house_of):
    """A person has said so."""
    house = house_of()
    delivered(house, "a.csv", items(("A", "5")))
    second = delivered(house, "b.csv", items(("A", "5")))
    assert second.state == "DUPLICATE"
    decide(house, "release", second)
    assert arrived(house) == [[("A", "5.00")], [("A", "5.00")]]
    assert codes(house, second) == {"W-RESENT": 1}


def test_the_same_bytes_where_the_feed_takes_them_go_out_whole(house_of):
    """The feed has said so."""
    house = house_of(feed(allow_duplicates=True))
    delivered(house, "a.csv", items(("A", "5")))
    delivered(house, "b.csv", items(("A", "5")))
    assert arrived(house) == [[("A", "5.00")], [("A", "5.00")]]


def test_what_was_cancelled_is_sent_when_it_comes_again(house_of):
    """It never left."""
    house = house_of(feed(bad_rows={"policy": "hold"}))
    first = delivered(house, "a.csv", items(("A", "5"), ("B", "wrong")))
    assert [batch.state for batch in house.batches(first)] == ["HELD"]
    decide(house, "cancel", first)
    delivered(house, "b.csv", items(("A", "5")))
    assert arrived(house) == [[("A", "5.00")]]


def test_what_waits_for_a_person_does_not_keep_the_same_from_going(house_of):
    """Nobody knows yet whether it will go; a warning says where else it is."""
    house = house_of(feed(bad_rows={"policy": "hold"}))
    delivered(house, "a.csv", items(("A", "5"), ("B", "wrong")))
    second = delivered(house, "b.csv", items(("A", "5")))
    assert arrived(house) == [[("A", "5.00")]]
    assert codes(house, second) == {"W-RESENT": 1}


def test_what_impact_com_refused_is_sent_when_it_comes_again(house_of):
    """The batch was processed, and not all of its rows were accepted."""
    house = house_of(answers={})
    first = delivered(house, "a.csv", items(("A", "5"), ("B", "1")))
    (batch,) = house.batches(first)
    counted = f"FileName: {batch.name}\nStatus: Complete\nTotalRecords: 2\nTotalErrors: 1\n"
    listed = "\nLine,OrderId,Status,Reason\n1,A,Validation,ACTION_LOCKED\n"
    house.postbox.put(f"result_{batch.name}", counted + listed)
    house.now += 1
    collect(house)
    assert (house.again(batch).state, house.again(batch).refused) == ("PROCESSED", 1)
    delivered(house, "b.csv", items(("A", "5")))
    assert arrived(house)[1:] == [[("A", "5.00")]]


def test_a_file_that_is_released_late_does_not_put_an_older_amount_back(house_of):
    """It was rejected when it came, and a file that came later has sent something newer; a second word sends it."""
    house = house_of(feed(bad_rows={"policy": "refuse-file"}))
    first = delivered(house, "a.csv", items(("A", "5"), ("B", "wrong")))
    delivered(house, "b.csv", items(("A", "3")))
    split = BadRows(policy="split", at_most=0.6)
    house.set(feeds={"shop": house.settings.feeds["shop"].model_copy(update={"bad_rows": split})})
    assert decide(house, "release", first).state == "REJECTED"
    assert codes(house, first)["E-RESENT"] == 1
    decide(house, "release", first)
    assert arrived(house) == [[("A", "3.00")], [("A", "5.00")]]


def test_a_file_waits_for_the_one_before_it_before_it_is_judged(house_of):
    """Else what puts back a value that the other is about to replace would be left out as sent before."""
    house = house_of()
    delivered(house, "a.csv", items(("A", "5")))
    second, third = (
        house.taken("b.csv", items(("A", "3"))),
        house.taken("c.csv", items(("A", "5"), ("B", "1"))),
    )
    assert house.engine.to_prepare() == [second.id]
    house.drain()
    assert codes(house, third) == {"E-RESENT": 1}


def test_a_restart_between_the_two_files_forgets_nothing(house_of):
    """What is remembered is in the ledger."""
    house = house_of()
    delivered(house, "a.csv", items(("A", "5")))
    house.stop()
    house.start()
    second = delivered(house, "b.csv", items(("A", "5"), ("B", "1")))
    assert codes(house, second) == {"N-RESENT": 1}


def test_an_older_amount_is_held_back_though_its_batch_was_partly_refused(house_of):
    """What impact.com refused of the batch may have been another order."""
    house = house_of(answers={})
    first = delivered(house, "a.csv", items(("A", "5"), ("B", "1")))
    (batch,) = house.batches(first)
    counted = f"FileName: {batch.name}\nStatus: Complete\nTotalRecords: 2\nTotalErrors: 1\n"
    house.postbox.put(
        f"result_{batch.name}", f"{counted}\nLine,OrderId,Status,Reason\n2,B,Validation,LOCKED\n"
    )
    house.now += 1
    collect(house)
    assert house.again(batch).refused == 1
    delivered(house, "b.csv", items(("A", "3")))
    third = delivered(house, "c.csv", items(("A", "5")))
    assert (third.state, codes(house, third)) == ("REJECTED", {"E-RESENT": 1})
    fourth = delivered(house, "d.csv", items(("A", "3"), ("C", "1")))
    assert codes(house, fourth) == {"N-RESENT": 1}


def test_an_older_amount_that_waits_for_a_person_is_held_back_when_it_comes_again(house_of):
    """It was made before the newer one that has been sent; and the newer one is sent again, for the older may go."""
    house = house_of(feed(bad_rows={"policy": "hold"}))
    delivered(house, "a.csv", items(("A", "5"), ("B", "wrong")))
    delivered(house, "b.csv", items(("A", "3")))
    again = delivered(house, "c.csv", items(("A", "5"), ("C", "1")))
    assert codes(house, again) == {"E-RESENT": 1}
    assert codes(house, delivered(house, "d.csv", items(("A", "3"), ("D", "1")))) == {"W-RESENT": 1}


def test_what_was_given_up_in_doubt_counts_as_what_may_have_arrived(house_of):
    """The same is sent again; what it replaced is held back."""
    house = house_of()
    delivered(house, "a.csv", items(("A", "5")))
    house.far.sends.append("lost")
    house.far.looks.append("blind")
    second = delivered(house, "b.csv", items(("A", "3")))
    assert [batch.state for batch in house.batches(second)] == ["IN_DOUBT"]
    decide(house, "cancel", second)
    third = delivered(house, "c.csv", items(("A", "5"), ("B", "1")))
    assert (third.state, codes(house, third)) == ("REJECTED", {"E-RESENT": 1})
    fourth = delivered(house, "d.csv", items(("A", "3"), ("C", "1")))
    assert codes(house, fourth) == {"W-RESENT": 1}


def test_what_is_only_assumed_to_be_sent_is_sent_when_it_comes_again(house_of):
    """To send it once more changes nothing; to leave it out might lose it."""
    house = house_of(in_doubt="assume-sent")
    house.far.sends.append("vanished")
    house.far.looks.append("blind")
    first = delivered(house, "a.csv", items(("A", "5")))
    assert [batch.state for batch in house.batches(first)] == ["SENT"]
    second = delivered(house, "b.csv", items(("A", "5"), ("B", "1")))
    assert codes(house, second) == {"W-RESENT": 1}
    assert arrived(house) == [[("A", "5.00"), ("B", "1.00")]]


def test_the_same_bytes_of_which_nobody_was_told_do_not_go_out_again(house_of):
    """Both were rejected when nothing had been sent: who releases the second does not know of the first."""
    house = house_of(feed(bad_rows={"policy": "refuse-file"}))
    content = source("A", "B", bad=("B",))
    first, second = (delivered(house, name, content) for name in ("a.csv", "b.csv"))
    assert (first.state, second.state) == ("REJECTED", "REJECTED")
    mended = house.settings.feeds["shop"].model_copy(
        update={"bad_rows": BadRows(policy="split", at_most=0.5)}
    )
    house.set(feeds={"shop": mended})
    assert decide(house, "release", first).state == "CLOSED"
    again = source("A").replace(b"RED-1,0,0", b"RED-1,5,1")
    delivered(house, "c.csv", again)
    assert decide(house, "release", second).state == "REJECTED"
    assert codes(house, second)["E-RESENT"] == 1
    assert len(house.far.published) == 2
    assert decide(house, "release", second).state == "CLOSED"
    assert len(house.far.published) == 3


def test_the_same_bytes_prepared_twice_at_once_are_batches_of_their_own(house_of):
    """One leaves out what was sent before and the other does not, on purpose: neither may replace the other."""
    house = house_of(feed(allow_duplicates=True))
    delivered(house, "a.csv", items(("A", "5")))
    twice = [house.taken(name, items(("A", "5"), ("B", "1"))) for name in ("b.csv", "c.csv")]
    changes = [prepare(house.context, one.id) for one in twice]
    house.engine.commit(changes)
    house.drain()
    assert arrived(house)[1:] == [[("B", "1.00")], [("A", "5.00"), ("B", "1.00")]]
