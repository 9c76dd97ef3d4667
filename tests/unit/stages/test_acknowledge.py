"""What comes back: kept before it is read, matched, heard once; what does not come is an alarm."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from agent.ledger.ids import acknowledgement_id
from agent.stages.acknowledge import keep
from agent.stages.decide import Word, decide
from agent.stages.deliver import start
from agent.states import AnswerState, Phase
from tests.house import House, feed, source

HOUR = 3600.0
REPORTS = {"report.html", "report.txt"}


@pytest.fixture
def house(house_of) -> House:
    """An agent whose destination has a source of acknowledgements."""
    return house_of(answers={})


def dropped(house: House, *orders: str, name: str = "refunds.csv"):
    """Drop a file and have it delivered; return its batch."""
    submission = house.taken(name, source(*orders))
    house.drain()
    (batch,) = house.batches(submission)
    return batch


def receipt(house: House, batch) -> None:
    """Have impact.com say that it has a batch."""
    house.postbox.put(f"receipt_{batch.name}", f"FileName,Status\n{batch.name},Queued\n")


def result(
    house: House, batch, *refused: tuple[int, str], records: int | None = None, name: str = ""
) -> None:
    """Have impact.com say what became of a batch's rows: all but those refused (line, code) are well."""
    records = batch.rows if records is None else records
    rows = "".join(f"{line},O{line},Validation,{code}\n" for line, code in refused)
    text = f"FileName: {batch.name}\nStatus: Complete\nTotalRecords: {records}\nTotalErrors: {len(refused)}\n"
    listed = f"\nLine,OrderId,Status,Reason\n{rows}" if refused else ""
    house.postbox.put(name or f"result_{batch.name}", text + listed)


def collect(house: House, later: float = 1.0) -> None:
    """Ask the source once, and do all that follows."""
    house.now += later
    for name in list(house.engine.collector._next):
        house.engine.collector._next[name] = 0.0
    house.drain()


def events(house: House, batch) -> list[str]:
    """Return what the answers of a batch did to it, in order."""
    return [answer.event for answer in house.ledger.answers(batch.id)]


def decided(house: House, verb: str, subject: str) -> None:
    """Have a person decide."""
    decision = decide(house.ledger, house.settings, Word(verb, subject, "seen there", house.now))
    house.ledger.commit(decision.transitions, at=house.now, actor="ann")


def test_delivered_it_waits_for_the_answer(house):
    """The file has not ended: the folder says where it stands, the original stays with the agent."""
    batch = dropped(house, "A", "B")
    assert (batch.state, batch.awaited, batch.sent_at > 0) == ("SENT", True, True)
    assert house.submission(batch.submission).state == "PREPARED"
    assert {name: set(files) for name, files in house.told("sent").items()} == {"refunds.csv": REPORTS}
    assert b"impact.com has not answered yet" in house.told("sent")["refunds.csv"]["report.txt"]


def test_receipt_and_result_move_it_to_its_end(house):
    """Taken, then processed; then it is closed, told in done/, and archived with both answers word for word."""
    batch = dropped(house, "A", "B")
    receipt(house, batch)
    collect(house)
    taken = house.again(batch)
    assert (taken.state, taken.taken_at > taken.sent_at) == ("TAKEN", True)
    result(house, batch)
    collect(house)
    ended = house.again(batch)
    assert (ended.state, ended.refused, ended.awaited) == ("PROCESSED", 0, False)
    assert house.submission(batch.submission).state == "CLOSED"
    assert set(house.told("done")["refunds.csv"]) == {"refunds.csv", *REPORTS}
    assert house.told("sent") == {}
    archived = {paper.path.rpartition("/")[2] for paper in house.ledger.papers(batch.submission)}
    assert {"acknowledgement-1-1.answer", "acknowledgement-1-2.answer"} <= archived
    assert events(house, batch) == ["taken", "processed"]


def test_refused_rows_are_told_and_never_green(house):
    """Partly accepted goes to attention/, with the lines, their codes and what these mean."""
    batch = dropped(house, "A", "B", "C")
    result(house, batch, (2, "ACTION_REF_NOT_FOUND"), (4, "MALFORMED"))
    collect(house)
    assert house.again(batch).refused == 2
    text = house.told("attention")["refunds.csv"]["report.txt"].decode()
    assert "NEEDS A LOOK: Partly accepted: impact.com refused 2 of 3 rows" in text
    assert "ACTION_REF_NOT_FOUND, 1 row" in text
    assert "O4" in text
    assert house.submission(batch.submission).state == "CLOSED"


def test_a_result_needs_no_receipt(house):
    """Who says what became of the rows has the file; a receipt that comes later says nothing new."""
    batch = dropped(house, "A")
    result(house, batch)
    collect(house)
    receipt(house, batch)
    collect(house)
    assert house.again(batch).state == "PROCESSED"
    assert events(house, batch) == ["processed", "heard"]


def test_nothing_is_fetched_or_heard_twice(house):
    """Not by asking again, and not after a restart; the same result under another name changes nothing."""
    batch = dropped(house, "A")
    result(house, batch)
    collect(house)
    collect(house)
    house.stop()
    house.start()
    collect(house)
    assert house.postbox.fetched == [f"result_{batch.name}"]
    result(house, batch, name=f"result_again_{batch.name}")
    collect(house)
    assert events(house, batch) == ["processed", "heard"]


def test_it_is_kept_before_it_is_read(house):
    """Cut short after it was written but before the ledger knew: it is fetched again, kept once, heard once."""
    batch = dropped(house, "A")
    result(house, batch)
    place = house.settings.acknowledgements[0].place
    (fetched,) = house.postbox.fetch(lambda _: False)
    keep(house.context, place, "file", fetched)
    collect(house)
    kept = sorted((house.root / "state" / "archive" / "acknowledgements").glob("*/*/*/*"))
    assert [path.name for path in kept] == [f"{acknowledgement_id(place, fetched.key)}.answer"]
    assert events(house, batch) == ["processed"]


def test_what_was_kept_is_read_after_a_restart(house):
    """Cut short after the ledger knew: it is not fetched again, but read."""
    batch = dropped(house, "A")
    result(house, batch)
    (fetched,) = house.postbox.fetch(lambda _: False)
    change = keep(house.context, house.settings.acknowledgements[0].place, "file", fetched)
    house.ledger.commit([change], at=house.now)
    house.postbox.content.clear()
    house.stop()
    house.start()
    collect(house)
    assert house.again(batch).state == "PROCESSED"


def test_what_matches_nothing_is_kept_and_said(house, said):
    """Something for a batch that nobody knows here: a person can look at it, nothing else happens."""
    house.postbox.put("result_somebody_elses.csv", "FileName,TotalRecords,TotalErrors\nx.csv,1,0\n")
    collect(house)
    (kept,) = house.ledger.acknowledgements([AnswerState.UNMATCHED])
    assert (house.root / "state" / kept.path).read_bytes() == house.postbox.content[kept.name]
    assert [line["acknowledgement"] for line in said("acknowledgement.unmatched")] == [kept.id]


def test_an_answer_that_comes_too_early_is_heard_later(house_of):
    """impact.com was faster than our own note that the batch is sent; once that is there, nothing is waited for."""
    house = house_of(answers={"poll": HOUR})
    batch = house.batch()
    house.ledger.commit([start(house.context, batch.id)], at=house.now)
    house.ledger.note_phase(batch.id, 1, Phase.WILL_PUBLISH, at=house.now)
    result(house, batch)
    place = house.settings.acknowledgements[0].place
    house.engine.collector.collect_due(place)
    (early,) = house.ledger.acknowledgements([AnswerState.EARLY])
    assert house.again(batch).state == "SENDING"
    house.engine.collector.collect_due(place)
    assert house.ledger.acknowledgement(early.id).state == "EARLY"
    house.engine.recover()
    house.engine._resting.clear()
    house.engine.collector.collect_due(place)
    assert house.again(batch).state == "PROCESSED"
    assert house.ledger.acknowledgement(early.id).state == "APPLIED"


def test_an_answer_ends_a_doubt(house):
    """Nobody could tell whether it arrived; impact.com's answer can, and nothing is sent again."""
    house.far.sends.append("lost")
    house.far.looks.append("blind")
    batch = dropped(house, "A")
    assert batch.state == "IN_DOUBT"
    receipt(house, batch)
    collect(house)
    known = house.again(batch)
    assert (known.state, known.awaited, known.sent_at > 0) == ("TAKEN", True, True)
    assert house.outcomes(batch)[-1] == ("PUBLISHED", "answered")
    result(house, batch)
    collect(house)
    assert house.again(batch).state == "PROCESSED"
    assert house.far.published == [batch.name]


def test_an_answer_calls_back_what_a_person_had_sent_again(house):
    """Nobody could tell whether it arrived, and a person said no; before it is sent once more, the answer comes."""
    house.far.sends.append("lost")
    house.far.looks.append("blind")
    batch = dropped(house, "A")
    decided(house, "resend", batch.id)
    assert house.again(batch).state == "READY"
    result(house, batch)
    house.engine.collector._next.clear()
    house.engine.collector.collect_due(house.settings.acknowledgements[0].place)
    house.drain()
    assert house.again(batch).state == "PROCESSED"
    assert house.far.published == [batch.name]


def test_in_one_pass_answers_come_before_deliveries(house):
    """The attempt in doubt is due again: what impact.com has said meanwhile is heard before it is tried."""
    house.far.sends.append("lost")
    house.far.looks.append("deaf")
    batch = dropped(house, "A")
    assert batch.state == "DEFERRED"
    before = list(house.far.asked)
    result(house, batch)
    collect(house, later=HOUR)
    assert (house.again(batch).state, house.far.asked) == ("PROCESSED", before)


def test_results_that_contradict_each_other_are_a_persons_matter(house):
    """The first one stays; the report turns red even after all had ended well."""
    batch = dropped(house, "A", "B")
    result(house, batch)
    collect(house)
    assert "refunds.csv" in house.told("done")
    result(house, batch, (2, "MALFORMED"), name=f"result_2_{batch.name}")
    collect(house)
    assert house.again(batch).refused == 0
    assert house.told("done") == {}
    text = house.told("attention")["refunds.csv"]["report.txt"].decode()
    assert "What came back contradicts itself" in text
    assert "without refusing any" not in text  # which of the two is true nobody here knows
    assert house.submission(batch.submission).state == "CLOSED"


def test_an_answer_for_several_batches_is_not_guessed(house):
    """Its name speaks of one batch, its text of another: both wait for a person."""
    first, second = dropped(house, "A"), dropped(house, "B", name="more.csv")
    text = f"FileName,TotalRecords,TotalErrors\n{second.name},1,0\n"
    house.postbox.put(f"result_{first.name}", text)
    collect(house)
    assert {house.again(one).state for one in (first, second)} == {"SENT"}
    assert events(house, first) == events(house, second) == ["unclear"]


@pytest.mark.parametrize("second", ["TotalErrors: 1", "kind regards"])
def test_two_results_in_one_mail_that_contradict_each_other_are_not_guessed(house, second):
    """The first one must not pass for all that was said: it may be the one without the refused rows."""
    batch = dropped(house, "A", "B")
    mail = EmailMessage()
    mail["Subject"] = "your submission"
    for said, ending in (("TotalErrors: 0", "csv"), (second, "txt")):
        text = f"FileName: {batch.name}\nTotalRecords: 2\n{said}\n".encode()
        name = f"result_{batch.name.removesuffix('csv')}{ending}"
        mail.add_attachment(text, maintype="application", subtype="octet-stream", filename=name)
    house.postbox.kind = "mail"
    house.postbox.put("your submission", mail.as_string())
    collect(house)
    assert (house.again(batch).state, events(house, batch)) == ("SENT", ["unclear"])
    assert "contradict each other" in house.again(batch).reason


def test_a_mail_that_came_back_is_told_in_plain_words(house):
    """It was sent and not delivered; why is said once, and what is left to decide."""
    batch = dropped(house, "A")
    status = "Action: failed\nDiagnostic-Code: smtp; 550 no such user\n"
    head = f"In-Reply-To: <{batch.id}@shop.example>\nContent-Type: multipart/report; boundary=b\n\n"
    part = "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
    house.postbox.kind = "mail"
    house.postbox.put("Undelivered Mail", f"{head}{part}{status}\n--b--\n")
    collect(house)
    text = house.told("attention")["refunds.csv"]["report.txt"].decode()
    assert "NEEDS ACTION: It was not delivered" in text
    assert "Why: the mail came back: smtp; 550 no such user\n" in text
    assert "  Sent              2027-01-15" in text
    assert "  Delivered" not in text


def test_what_nobody_can_read_waits_for_a_person(house):
    """The report says so; `release` ends the waiting, and says who has looked."""
    batch = dropped(house, "A")
    house.postbox.put(f"result_{batch.name}", "all is well, kind regards\n")
    collect(house)
    text = house.told("attention")["refunds.csv"]["report.txt"].decode()
    assert "An answer came that the agent cannot read" in text
    assert f"impact-agent resend {batch.id}" in text  # it may have said that the whole file failed
    decided(house, "release", batch.submission)
    collect(house)
    settled = house.again(batch)
    assert (settled.state, settled.awaited) == ("SENT", False)
    assert house.submission(batch.submission).state == "CLOSED"


def test_an_answer_that_does_not_come_is_an_alarm(house, said):
    """Once for the receipt, once for the result; the folder hears of it, and the answer may still come."""
    batch = dropped(house, "A")
    collect(house, later=HOUR - 60)
    assert said("batch.overdue") == []
    collect(house, later=120)
    collect(house, later=HOUR)
    (line,) = said("batch.overdue")
    assert line["reason"].startswith("impact.com has not said within 60 minutes that it has the file")
    text = house.told("attention")["refunds.csv"]["report.txt"].decode()
    assert "impact.com has not answered in time" in text
    collect(house, later=25 * HOUR)
    collect(house)
    assert len(said("batch.overdue")) == 2
    result(house, batch)
    collect(house)
    assert house.again(batch).state == "PROCESSED"
    assert set(house.told("done")) == {"refunds.csv"}


def test_overdue_it_can_be_sent_again_under_a_new_name(house):
    """A person has looked: it is not there."""
    batch = dropped(house, "A")
    collect(house, later=27 * HOUR)
    decided(house, "resend", batch.submission)
    collect(house)
    assert len(set(house.far.published)) == 2


def test_without_a_source_nobody_waits(house):
    """The settings no longer have one: what waits ends, and the report says that nobody asked."""
    batch = dropped(house, "A")
    house.set(acknowledgements=())
    house.drain()
    assert (house.again(batch).state, house.again(batch).awaited) == ("SENT", False)
    assert b"nobody asked impact.com" in house.told("done")["refunds.csv"]["report.txt"]


def test_a_source_of_another_destination_is_not_waited_for(house_of):
    """Only what comes from a destination with a source is awaited."""
    house = house_of(answers={"destinations": ("elsewhere",)})
    batch = dropped(house, "A")
    assert (batch.awaited, house.submission(batch.submission).state) == (False, "CLOSED")


def test_kept_back_orders_are_given_back_at_once(house_of):
    """Who has to mend something does not wait for impact.com."""
    house = house_of(feed(bad_rows={"policy": "split", "at_most": 0.9}), answers={})
    house.taken("refunds.csv", source("A", "B", bad=("B",)))
    house.drain()
    assert set(house.told("attention")["refunds.csv"]) == {"refunds.rejects.csv", *REPORTS}


def test_a_source_that_cannot_be_asked_is_said_once(house, said):
    """It is asked again later and later; everything else goes on; its recovery is said, too."""
    batch = dropped(house, "A")
    house.postbox.refuses = "nobody answers"
    for _ in range(3):
        collect(house)
    assert [line["reason"] for line in said("source.failed")] == ["nobody answers"]
    house.postbox.refuses = ""
    result(house, batch)
    collect(house)
    assert len(said("source.recovered")) == 1
    assert house.again(batch).state == "PROCESSED"


def test_a_source_that_fails_in_a_way_nobody_foresaw_is_told_to_people(house, said):
    """A line in the log is read by nobody: without answers, nobody would know what became of the rows."""
    house.postbox.content["odd"] = None
    collect(house)
    (about,) = house.engine.board.standing()
    assert about == f"source:{house.settings.acknowledgements[0].place}"
    assert len(said("step.failed")) == 1
    house.postbox.content.clear()
    house.engine._resting.clear()
    collect(house)
    assert house.engine.board.is_well(about)


def test_one_acknowledgement_that_cannot_be_read_keeps_back_no_other(house):
    """Its bytes on our disk are not what they were: it is set aside, the others are heard."""
    batch = dropped(house, "A")
    house.postbox.put("result_damaged.csv", "x")
    place = house.settings.acknowledgements[0].place
    for fetched in house.postbox.fetch(lambda _: False):
        house.ledger.commit([keep(house.context, place, "file", fetched)], at=house.now)
    (kept,) = house.ledger.acknowledgements([AnswerState.KEPT])
    path = house.root / "state" / kept.path
    path.chmod(0o600)
    path.write_bytes(b"y")
    result(house, batch)
    collect(house)
    assert house.ledger.acknowledgement(kept.id).state == "UNMATCHED"
    assert house.again(batch).state == "PROCESSED"


def test_one_answer_for_two_batches_of_a_file_that_had_ended_is_heard(house_of):
    """The file is opened again once, not once for each batch: that would undo all of it, again and again."""
    house = house_of(answers={"destinations": ("elsewhere",)})
    first = dropped(house, "A")
    decided(house, "resend", first.submission)
    house.drain()
    batches = house.batches(house.submission(first.submission))
    assert house.submission(first.submission).state == "CLOSED"
    names = "".join(f"{batch.name},Queued\n" for batch in batches)
    house.postbox.put("receipt_of_both.csv", f"FileName,Status\n{names}")
    collect(house)
    assert [house.again(batch).state for batch in batches] == ["TAKEN", "TAKEN"]
    assert house.submission(first.submission).state == "CLOSED"
