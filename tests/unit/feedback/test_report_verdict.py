from __future__ import annotations

from dataclasses import replace

import pytest

from agent.feedback.story import Fate
from agent.feedback.verdict import TONE_WORDS, Tone, batch_tone, batch_words, verdict
from agent.model import Answer, Counts, Severity
from agent.states import BatchState, Phase, SubmissionState

NOON = 1_753_783_200.0
KEPT = Counts(records=9, sent=5, kept_back=4, rows=5, orders=40, bad_orders=3)
NONE = Counts(records=9, skipped=9)
ALL_KEPT = Counts(records=9, kept_back=9, orders=3, bad_orders=3)

VERDICTS = [
    # submission, batches, counts, tone, headline
    ("CLOSED", ("SENT",), None, "good", "All 5 rows were delivered"),
    ("PREPARED", ("SENT",), None, "good", "All 5 rows were delivered"),
    ("CLOSED", ("SENT",), KEPT, "care", "Partly sent: 3 of 40 orders were kept back"),
    (
        "CLOSED",
        ("SENT",),
        replace(KEPT, orders=0, bad_orders=0),
        "care",
        "Partly sent: 4 of 9 records were kept back",
    ),
    ("CLOSED", ("SENT",), replace(KEPT, records=7, rows=5), "bad", "The figures do not add up"),
    ("CLOSED", ("SENT",), replace(KEPT, rows=6), "bad", "The figures do not add up"),
    ("CLOSED", ("SENT", "SENT"), Counts(10, 10, rows=10), "good", "All 10 rows were delivered"),
    ("CLOSED", ("SENT", "CANCELLED"), None, "care", "Partly sent: 1 of 2 batches cancelled"),
    ("CLOSED", ("CANCELLED",), None, "care", "Cancelled: nothing was sent"),
    ("CLOSED", (), Counts(), "care", "Cancelled: nothing was sent"),
    ("CLOSED", (), NONE, "care", "There was nothing to send"),
    ("PREPARED", (), NONE, "care", "There was nothing to send"),
    ("PREPARED", (), ALL_KEPT, "bad", "Nothing was sent"),
    ("PREPARED", ("IN_DOUBT",), None, "bad", "It may or may not have arrived"),
    ("PREPARED", ("SENT", "IN_DOUBT"), None, "bad", "1 of 2 batches may or may not have arrived"),
    ("PREPARED", ("FAILED",), None, "bad", "It was not delivered"),
    ("PREPARED", ("HELD",), None, "care", "Held: waiting for a person"),
    (
        "PREPARED",
        ("DEFERRED",),
        None,
        "care",
        "Waiting: it could not be delivered yet; the next try follows at once",
    ),
    ("PREPARED", ("READY",), None, "busy", "On its way"),
    ("PREPARED", ("SENDING",), None, "busy", "On its way"),
    ("PREPARED", ("FAILED", "IN_DOUBT", "HELD"), None, "bad", "1 of 3 batches may or may not have arrived"),
    ("PREPARED", ("SENT", "HELD", "FAILED"), None, "bad", "1 of 3 batches were not delivered"),
    ("RECEIVED", (), Counts(), "busy", "Taken; nothing is sent yet"),
    ("REJECTED", (), ALL_KEPT, "bad", "Nothing was sent"),
    ("QUARANTINED", (), Counts(), "bad", "Nothing was sent: the file was set aside"),
    ("DUPLICATE", (), Counts(), "care", "Nothing was sent: the same file came before"),
    ("PROCESSING", (), Counts(), "care", "It stands at PROCESSING"),
    ("CLOSED", ("UNHEARD_OF",), None, "care", "It stands at UNHEARD_OF"),
    ("CLOSED", ("PROCESSED",), None, "good", "All 5 rows were delivered and processed without errors"),
    (
        "CLOSED",
        ("PROCESSED",),
        KEPT,
        "care",
        "Partly sent: 3 of 40 orders were kept back; impact.com has processed the rest without errors",
    ),
    ("CLOSED", ("SENT", "PROCESSED"), Counts(10, 10, rows=10), "good", "All 10 rows were delivered"),
    ("CLOSED", ("TAKEN",), None, "good", "All 5 rows were delivered"),
]


@pytest.mark.parametrize(("state", "batches", "counts", "tone", "headline"), VERDICTS)
def test_every_state_has_its_words_and_colour(tell, state, batches, counts, tone, headline) -> None:
    """Each state is told in one plain sentence and one tone; the gravest batch speaks for the file."""
    judged = verdict(tell(*batches, state=state, counts=counts))

    assert (tone, headline) == (judged.tone, judged.headline)


def test_no_state_is_forgotten() -> None:
    """The table above has every state of both machines."""
    told = {state for state, *_ in VERDICTS} | {state for _, batches, *_ in VERDICTS for state in batches}

    assert told >= set(SubmissionState) | set(BatchState)


@pytest.mark.parametrize(("state", "batches", "counts", "tone", "headline"), VERDICTS)
def test_every_unfinished_story_says_what_to_do(tell, state, batches, counts, tone, headline) -> None:
    """Whatever we understand ends with an instruction; nothing is left for people to guess."""
    judged = verdict(tell(*batches, state=state, counts=counts))

    assert bool(judged.todo) is not headline.startswith("It stands at")


@pytest.mark.parametrize(("state", "batches", "counts", "tone", "headline"), VERDICTS)
def test_green_needs_every_row_sent(tell, state, batches, counts, tone, headline) -> None:
    """A green verdict has only sent batches and kept nothing back, and only then is a batch green."""
    story = tell(*batches, state=state, counts=counts)
    judged = verdict(story)
    all_sent = (
        bool(batches) and set(batches) <= {"SENT", "TAKEN", "PROCESSED"} and story.counts.kept_back == 0
    )
    green = [delivery for delivery in story.deliveries if batch_tone(delivery, judged.tone) is Tone.GOOD]

    assert judged.tone is not Tone.GOOD or all_sent
    assert len(green) == (len(story.deliveries) if judged.tone is Tone.GOOD else 0)


def test_what_was_not_sent_of_a_green_file_is_named(tell) -> None:
    """Repeated and passed-over records are accounted for beside the rows that went."""
    judged = verdict(tell("SENT", counts=Counts(records=20, sent=5, repeated=1, skipped=14, rows=5)))

    assert judged.tone is Tone.GOOD
    assert judged.details == (
        "In 1 batch to impact-sftp.",
        "1 record repeated an earlier one; what that says was sent once.",
        "The feed's template passed over 14 records.",
    )


def test_an_error_is_never_green(tell, grouped) -> None:
    """Errors among the findings take the green away even where nothing counts as kept back."""
    judged = verdict(tell("SENT", groups=(grouped(),)))

    assert judged.tone is Tone.CARE
    assert judged.todo == "Look at the errors below."


def test_warnings_stay_green_and_are_named(tell, grouped) -> None:
    """A warning does not hold anything back, so it is only pointed at."""
    judged = verdict(tell("SENT", groups=(grouped(severity=Severity.WARNING, count=2),)))

    assert (judged.tone, judged.todo) == (Tone.GOOD, "Look at the 2 warnings below.")


@pytest.mark.parametrize("state", ["SENT", "IN_DOUBT"])
def test_delivered_is_not_applied(tell, state) -> None:
    """Where something was delivered and nobody asks, the report says so; else it does not."""
    silent, asked = verdict(tell(state, "SENT")), verdict(tell(state, "SENT", batch={"awaited": True}))

    assert silent.caveat.startswith("Delivered is not applied: nobody asked impact.com")
    assert not asked.caveat
    assert not verdict(tell("FAILED", state="PREPARED")).caveat


def test_kept_records_come_back_through_the_rejects_file(partly) -> None:
    """The instruction names the rejects file, its two columns and the folder."""
    todo = verdict(partly).todo

    assert todo.startswith("Open refunds.rejects.csv")
    assert "“Not sent because” and “How to mend it”" in todo
    assert "the folder shop-refunds/" in todo


def test_doubt_asks_a_person_to_look_first(tell) -> None:
    """In doubt the file at the other end is named, and both ways out are commands with the batch's id."""
    judged = verdict(tell("IN_DOUBT", state="PREPARED"))

    assert (
        "Look in impact.com whether shop-refunds_20250729_b7c2m4x9q1w3e5r7t001.csv was received"
        in judged.todo
    )
    assert [command.line for command in judged.commands] == [
        'impact-agent resend b7c2m4x9q1w3e5r7t001 --why "…"',
        'impact-agent release b7c2m4x9q1w3e5r7t001 --why "…"',
    ]


def test_a_waiting_batch_says_when(tell, batch) -> None:
    """The next try is told in local time, and why it waits."""
    story = tell("DEFERRED", state="PREPARED")
    waiting = replace(story.deliveries[0].batch, due_at=batch.created_at + 600, reason="connection refused")
    judged = verdict(replace(story, deliveries=(replace(story.deliveries[0], batch=waiting),)))

    assert judged.headline == "Waiting: it could not be delivered yet; next try at 2025-07-29 12:10 CEST"
    assert judged.details == ("Why: connection refused",)


@pytest.mark.parametrize("state", ["QUARANTINED", "REJECTED"])
def test_what_was_never_read_cannot_be_released(tell, state) -> None:
    """Without bytes in the spool there is nothing to release, so the command is not offered."""
    unread, read = verdict(tell(state=state, sha256="")), verdict(tell(state=state))

    assert not [command for command in unread.commands if "release" in command.line]
    assert [command for command in read.commands if "release 20250729-k3v9q2hd" in command.line]


def test_a_duplicate_names_the_first(tell, submission) -> None:
    """People see which file came before and when."""
    first = replace(submission, id="20250701-aaaaaaaa", name="first.csv")
    judged = verdict(tell(state="DUPLICATE", first=first))

    assert judged.details == (
        "Before: first.csv, received 2025-07-29 12:00:00 CEST (10:00:00 UTC), submission 20250701-aaaaaaaa.",
    )


FATES = [
    ("SENT", [], Fate.DELIVERED),
    ("IN_DOUBT", [(Phase.WILL_PUBLISH, "in-doubt")], Fate.DOUBT),
    ("HELD", [], Fate.WAITING),
    ("DEFERRED", [(Phase.WILL_PUBLISH, "deferred")], Fate.WAITING),
    ("FAILED", [(Phase.WILL_PUBLISH, "failed")], Fate.NOT_SENT),
    ("FAILED", [(Phase.WILL_PUBLISH, ""), (Phase.STARTED, "failed")], Fate.DOUBT),
    ("CANCELLED", [], Fate.NOT_SENT),
    ("CANCELLED", [(Phase.STARTED, "")], Fate.NOT_SENT),
    ("CANCELLED", [(Phase.PUBLISHED, "in-doubt")], Fate.DOUBT),
    ("CANCELLED", [(Phase.PUBLISHED, "a word we do not know")], Fate.DOUBT),
]


@pytest.mark.parametrize(("state", "tries", "fate"), FATES)
def test_a_batch_that_may_have_arrived_is_not_called_unsent(tell, attempt, state, tries, fate) -> None:
    """Only what surely left nothing behind is "not sent"; every doubt stays a doubt."""
    attempts = tuple(attempt(phase, outcome, number) for number, (phase, outcome) in enumerate(tries, 1))

    assert fate == tell(state, tries=attempts).deliveries[0].fate


def test_cancelling_a_doubt_does_not_settle_it(tell, attempt) -> None:
    """A cancelled batch that may have arrived says so and is red."""
    judged = verdict(tell("CANCELLED", tries=(attempt("PUBLISHED", "in-doubt"),)))

    assert (judged.tone, judged.headline) == (Tone.BAD, "Cancelled; it may have arrived before that")


def test_every_tone_has_a_word() -> None:
    """Colour never stands alone."""
    assert set(TONE_WORDS) == set(Tone)
    assert len(set(TONE_WORDS.values())) == len(Tone)


def answer(event, stage="processed", refused=None, remark="") -> Answer:
    """Make what came back, and what it did to the batch."""
    return Answer("ack-1", "b", stage, NOON + 90, event, None, refused, remark, name="result_x.csv")


ANSWERED = [
    # state, what the batch knows, answers, tone, headline
    ("SENT", {"awaited": True}, (), "busy", "Delivered; impact.com has not answered yet"),
    (
        "TAKEN",
        {"awaited": True},
        (answer("taken", "taken"),),
        "busy",
        "Delivered; impact.com has it and has not said yet what became of the rows",
    ),
    (
        "SENT",
        {"awaited": True, "overdue_at": NOON},
        (),
        "care",
        "impact.com has not answered in time; overdue since 2025-07-29 12:00 CEST",
    ),
    (
        "TAKEN",
        {"awaited": True},
        (answer("unclear", "unclear"),),
        "care",
        "An answer came that the agent cannot read",
    ),
    (
        "PROCESSED",
        {"refused": 2},
        (answer("processed", refused=2),),
        "care",
        "Partly accepted: impact.com refused 2 of 5 rows",
    ),
    ("PROCESSED", {"refused": 5}, (answer("processed", refused=5),), "bad", "impact.com refused all 5 rows"),
    (
        "PROCESSED",
        {"refused": 0},
        (answer("processed", refused=0),),
        "good",
        "All 5 rows were delivered and processed without errors",
    ),
    (
        "PROCESSED",
        {"refused": 0, "reason": "impact.com counted 4"},
        (),
        "care",
        "Processed, but not as it was counted here",
    ),
    (
        "PROCESSED",
        {"refused": 0},
        (answer("processed", refused=0), answer("contradicted", refused=2)),
        "bad",
        "What came back contradicts itself",
    ),
    ("CANCELLED", {}, (answer("contradicted", refused=0),), "bad", "What came back contradicts itself"),
]


@pytest.mark.parametrize(("state", "known", "answers", "tone", "headline"), ANSWERED)
def test_what_came_back_is_told(tell, state, known, answers, tone, headline) -> None:
    """Green only when every row was processed without errors; who waits, and who has to look, is told so."""
    judged = verdict(tell(state, state="PREPARED", batch=known, answers=answers))

    assert (tone, headline) == (judged.tone, judged.headline)
    assert judged.todo


def test_what_is_overdue_can_be_settled_or_sent_again(tell) -> None:
    """Both ways out are commands with the batch's id."""
    judged = verdict(tell("SENT", state="PREPARED", batch={"awaited": True, "overdue_at": NOON}))

    assert [command.line.split()[1] for command in judged.commands] == ["release", "resend"]


def test_kept_back_records_are_told_before_the_answer_comes(tell) -> None:
    """Who has to mend something hears of it at once, not when impact.com has answered."""
    judged = verdict(tell("SENT", state="PREPARED", counts=KEPT, batch={"awaited": True}))

    assert (judged.tone, judged.headline) == (Tone.CARE, "Partly sent: 3 of 40 orders were kept back")
    assert "impact.com has not answered yet." in judged.details


def test_a_batch_says_how_many_of_its_rows_were_refused(tell) -> None:
    """A processed batch with refused rows is not green, whatever the others are."""
    delivery = tell("PROCESSED", batch={"refused": 2}).deliveries[0]

    assert batch_words(delivery) == "Processed by impact.com; 2 rows refused"
    assert batch_tone(delivery, Tone.GOOD) is Tone.CARE
