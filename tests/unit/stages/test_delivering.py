"""How an attempt ends for a batch: what the far side did, what the ledger knows, what is never done twice."""

from __future__ import annotations

import pytest

from agent.errors import LedgerError, Permanent, Transient
from agent.ledger.ledger import Ledger
from agent.settings.models import Retries
from agent.stages.context import REFUSED
from agent.stages.decide import Word, decide
from agent.stages.deliver import broke, delay, deliver, hold_stranded, recover, start
from tests.staging import NOON, RETRIES, FarSide, Killed, arrives, kills, loses, refuses

TRANSIENT = Transient("the line is busy", evidence="421")
PERMANENT = Permanent("not you", evidence="auth failed")


def say(stages, verb, subject):
    """Have a person decide, a little later."""
    stages.later()
    stages.commit(
        *decide(stages.ledger, stages.settings, Word(verb, subject, "they said", stages.now)).transitions
    )


def last(stages, batch):
    """Return the last attempt at a batch."""
    return stages.ledger.attempts(batch.id)[-1]


class TestDelay:
    @pytest.mark.parametrize(
        ("attempt", "dice", "seconds"),
        [
            (1, 0.0, 15.0),
            (1, 0.5, 22.5),
            (1, 1.0, 30.0),
            (2, 1.0, 60.0),
            (3, 1.0, 120.0),
            (5, 1.0, 480.0),
            (6, 1.0, 900.0),
            (6, 0.0, 450.0),
            (50, 1.0, 900.0),
            (1_000_000, 0.0, 450.0),
        ],
    )
    def test_table(self, attempt, dice, seconds):
        """It doubles from the first wait up to the longest; chance takes off up to a half."""
        assert delay(attempt, RETRIES, dice) == seconds

    def test_a_longest_below_the_first(self):
        """The longest wait counts from the first attempt on."""
        assert delay(1, Retries(first=60.0, at_most=10.0), 1.0) == 10.0


class TestAnswered:
    def test_sent(self, stages):
        """What arrived is SENT, with the far side's word; the bytes are those of the spool, under the batch's name."""
        batch, far = stages.ready(), FarSide()
        sent = stages.attempt(far, batch.id)
        attempt = last(stages, batch)
        assert (sent.state, sent.reason, sent.tries) == ("SENT", "", 1)
        assert (attempt.phase, attempt.outcome, attempt.ended_at) == ("PUBLISHED", "sent", stages.now)
        assert attempt.evidence == "accepted: 250 got it"
        assert far.inbox == [(batch.name, stages.spool.path(batch.path).read_bytes())]
        assert far.looked == []

    def test_a_transient_fault_defers(self, stages):
        """The next attempt is due after `delay` of the tries, and it sends without looking."""
        batch, far = stages.ready(), FarSide(refuses(TRANSIENT), refuses(TRANSIENT))
        for tries, wait in ((1, 22.5), (2, 45.0)):
            deferred = stages.attempt(far, batch.id)
            assert (deferred.state, deferred.tries, deferred.due_at) == ("DEFERRED", tries, stages.now + wait)
            assert deferred.reason == "the line is busy"
        assert stages.attempt(far, batch.id).state == "SENT"
        assert (far.names, far.looked) == ([batch.name], [])

    @pytest.mark.parametrize(("waited", "state"), [(3600.0, "DEFERRED"), (3601.0, "HELD")])
    def test_no_success_for_too_long(self, stages, waited, state):
        """After `hold_after` a person is asked, who hears since when and why."""
        batch, far = stages.ready(), FarSide(refuses(TRANSIENT), refuses(TRANSIENT))
        stages.attempt(far, batch.id)
        stages.later(waited)
        found = stages.attempt(far, batch.id)
        assert found.state == state
        assert ("60 minutes" in found.reason) == (state == "HELD")

    def test_a_released_batch_has_its_whole_time_again(self, stages):
        """How long it failed before a person let it go does not count."""
        batch, far = stages.ready(), FarSide(*[refuses(TRANSIENT)] * 3)
        stages.attempt(far, batch.id)
        stages.later(4000)
        assert stages.attempt(far, batch.id).state == "HELD"
        say(stages, "release", batch.id)
        found = stages.attempt(far, batch.id)
        assert (found.state, found.tries, found.due_at) == ("DEFERRED", 1, stages.now + 22.5)

    def test_a_permanent_fault_holds(self, stages):
        """Trying again cannot help: a person is asked, and the destination is left alone meanwhile."""
        batch, far = stages.ready(), FarSide(refuses(PERMANENT))
        held = stages.attempt(far, batch.id)
        assert (held.state, held.reason, held.due_at) == ("HELD", "not you", stages.now + REFUSED)
        assert last(stages, batch).evidence == "auth failed"

    @pytest.mark.parametrize("gone", [True, False])
    def test_altered_bytes(self, stages, gone):
        """What is not what was checked is never sent: FAILED, and the far side is not even asked."""
        batch, far = stages.ready(), FarSide()
        path = stages.spool.path(batch.path)
        path.unlink()
        if not gone:
            path.write_bytes(b"something else")
        failed = stages.attempt(far, batch.id)
        assert (failed.state, far.sent, far.looked) == ("FAILED", [], [])
        assert failed.reason.startswith("nothing was sent: ")

    def test_a_destination_that_is_gone(self, stages):
        """What has no way any more waits for a person, who hears which."""
        batch = stages.ready()
        stages.commit(hold_stranded(stages.context, batch.id))
        held = stages.batch(batch.id)
        assert (held.state, "destination there" in held.reason) == ("HELD", True)


class TestLostAnswer:
    def test_found(self, stages):
        """It is looked for at once; what is there is SENT, and not sent a second time."""
        batch, far = stages.ready(), FarSide(loses(arrived=True))
        assert stages.attempt(far, batch.id).state == "SENT"
        assert (far.names, far.sent, far.looked) == ([batch.name], [batch.name], [batch.name])
        assert last(stages, batch).evidence == "found at the other end: same size"

    def test_absent(self, stages):
        """What is surely not there is tried again later, as after any fault; it arrives once."""
        batch, far = stages.ready(), FarSide(loses(arrived=False))
        deferred = stages.attempt(far, batch.id)
        assert (deferred.state, deferred.due_at) == ("DEFERRED", stages.now + 22.5)
        assert stages.attempt(far, batch.id).state == "SENT"
        assert (far.names, len(far.looked)) == ([batch.name], 1)

    @pytest.mark.parametrize("arrived", [True, False])
    def test_nobody_can_be_asked(self, stages, arrived):
        """Where the look fails too, the next attempt looks before it sends; it arrives once either way."""
        batch, far = stages.ready(), FarSide(loses(arrived=arrived))
        far.mute = TRANSIENT
        deferred = stages.attempt(far, batch.id)
        assert (deferred.state, last(stages, batch).outcome) == ("DEFERRED", "unknown")
        assert stages.attempt(far, batch.id).state == "DEFERRED"
        far.mute = None
        assert stages.attempt(far, batch.id).state == "SENT"
        assert (far.names, len(far.sent)) == ([batch.name], 1 if arrived else 2)

    def test_no_look_while_stopping(self, stages):
        """An agent that is asked to stop leaves the look to its next start."""
        batch, far = stages.ready(), FarSide(loses(arrived=True))
        stages.context.stop.ask()
        assert stages.attempt(far, batch.id).state == "DEFERRED"
        assert far.looked == []
        stages.again()
        assert stages.attempt(far, batch.id).state == "SENT"
        assert len(far.sent) == 1


class TestNobodyCanTell:
    """The destination's settings decide, both right after the answer was lost and after a crash."""

    @pytest.fixture(params=["lost", "died"])
    def doubted(self, request, make_stages):
        """Make the first attempt leave everybody in doubt; return how the batch stands once that was decided."""

        def doubt(policy):
            stages = make_stages(in_doubt=policy)
            batch = stages.ready()
            far = FarSide(kills(arrived=True) if request.param == "died" else loses(arrived=True))
            far.blind = True
            if request.param == "died":
                stages.commit(start(stages.context, batch.id))
                with pytest.raises(Killed):
                    deliver(stages.context, far, batch.id)
                stages.again()
                stages.commit(recover(stages.context, batch.id))
            return stages, far, stages.attempt(far, batch.id)

        return doubt

    def test_hold(self, doubted):
        """A person is asked, with what is known; nothing is sent again."""
        _, far, batch = doubted("hold")
        assert (batch.state, len(far.sent)) == ("IN_DOUBT", 1)
        assert "listing denied" in batch.reason

    def test_assume_sent(self, doubted):
        """It counts as sent, and the evidence says that this is assumed."""
        stages, far, batch = doubted("assume-sent")
        assert (batch.state, len(far.sent)) == ("SENT", 1)
        assert "assumed" in last(stages, batch).evidence

    def test_resend(self, doubted):
        """It is sent again: at once or when it is due."""
        stages, far, batch = doubted("resend")
        if batch.state == "DEFERRED":
            batch = stages.attempt(far, batch.id)
        assert (batch.state, far.names) == ("SENT", [batch.name, batch.name])

    def test_a_person_says_resend(self, doubted):
        """Then it is sent though nobody can tell: the person has."""
        stages, far, batch = doubted("hold")
        say(stages, "resend", batch.id)
        assert (stages.attempt(far, batch.id).state, len(far.sent)) == ("SENT", 2)

    def test_a_person_says_resend_but_it_is_there(self, doubted):
        """What a look finds after all is not sent again, whatever a person believed."""
        stages, far, batch = doubted("hold")
        say(stages, "resend", batch.id)
        far.blind = False
        assert (stages.attempt(far, batch.id).state, len(far.sent)) == ("SENT", 1)

    def test_a_new_doubt_is_not_overruled(self, doubted):
        """A person's word is about what had happened then: after another lost answer they are asked anew."""
        stages, far, batch = doubted("hold")
        say(stages, "resend", batch.id)

        def step(far, parcel, will_publish):
            far.mute = TRANSIENT  # from here on, so that it is sent, and nobody can look at once
            return loses(arrived=True)(far, parcel, will_publish)

        far.script = [step]
        assert stages.attempt(far, batch.id).state == "DEFERRED"
        far.mute = None
        assert (stages.attempt(far, batch.id).state, len(far.sent)) == ("IN_DOUBT", 2)

    def test_a_person_found_it(self, doubted):
        """To release what is in doubt means that it is there."""
        stages, far, batch = doubted("hold")
        say(stages, "release", batch.id)
        assert (stages.batch(batch.id).state, len(far.sent)) == ("SENT", 1)


class TestCutShort:
    @pytest.mark.parametrize("arrived", [True, False])
    def test_after_will_publish(self, stages, arrived):
        """The next attempt looks first, and sends only what is surely not there."""
        batch, far = stages.ready(), FarSide(kills(arrived=arrived))
        stages.commit(start(stages.context, batch.id))
        with pytest.raises(Killed):
            deliver(stages.context, far, batch.id)
        stages.again()
        stages.commit(recover(stages.context, batch.id))
        found = stages.batch(batch.id)
        assert (found.state, found.due_at, last(stages, batch).outcome) == ("DEFERRED", 0.0, "interrupted")
        assert stages.attempt(far, batch.id).state == "SENT"
        assert (far.names, far.looked) == ([batch.name], [batch.name])
        assert len(far.sent) == (1 if arrived else 2)

    def test_before_will_publish(self, stages):
        """What cannot have become visible needs no look."""
        batch, far = stages.ready(), FarSide()
        stages.commit(start(stages.context, batch.id))
        stages.again()
        stages.commit(recover(stages.context, batch.id))
        assert (stages.attempt(far, batch.id).state, far.looked) == ("SENT", [])

    def test_a_deferred_look_forgets_nothing(self, stages):
        """An attempt that failed at its look leaves the doubt about the one before where it was."""
        batch, far = stages.ready(), FarSide(kills(arrived=True))
        stages.commit(start(stages.context, batch.id))
        with pytest.raises(Killed):
            deliver(stages.context, far, batch.id)
        stages.commit(recover(stages.context, batch.id))
        far.mute = TRANSIENT
        for _ in range(3):
            assert stages.attempt(far, batch.id).state == "DEFERRED"
        far.mute = None
        assert (stages.attempt(far, batch.id).state, len(far.sent)) == ("SENT", 1)

    @pytest.mark.parametrize("arrived", [True, False])
    def test_an_unforeseen_failure(self, stages, arrived):
        """It may have arrived: the next attempt looks first. The third in a row is a person's matter."""
        batch, far = stages.ready(), FarSide(kills(arrived=arrived))
        for number in (1, 2, 3):
            stages.commit(start(stages.context, batch.id))
            if number == 1:
                with pytest.raises(Killed):
                    deliver(stages.context, far, batch.id)
            stages.commit(broke(stages.context, batch.id, stages.now + 30))
            assert stages.batch(batch.id).state == ("HELD" if number == 3 else "DEFERRED")
        say(stages, "release", batch.id)
        assert stages.attempt(far, batch.id).state == "SENT"
        assert (far.names, far.looked) == ([batch.name], [batch.name])


class TestWillPublish:
    def test_is_on_disk_before_anything_shows(self, stages):
        """Whoever opens the ledger when the batch becomes visible finds WILL_PUBLISH there."""
        batch, far, phases = stages.ready(), FarSide(arrives), []

        def look_up(parcel):
            with Ledger.open(stages.ledger.path, must_exist=True, thorough=False) as second:
                phases.append([one.phase for one in second.attempts(parcel.batch)])

        far.before_publishing = look_up
        stages.attempt(far, batch.id)
        assert phases == [["WILL_PUBLISH"]]

    def test_nothing_shows_without_it(self, stages):
        """Where the ledger cannot be told, that error goes out as it is, and nothing became visible."""
        batch = stages.ready()
        stages.commit(start(stages.context, batch.id))

        def step(far, parcel, will_publish):
            stages.ledger.close()
            return arrives(far, parcel, will_publish)

        far = FarSide(step)
        with pytest.raises(LedgerError):
            deliver(stages.context, far, batch.id)
        assert (far.sent, far.names) == ([batch.name], [])

    def test_the_attempt_is_known_before_the_far_side_is(self, stages):
        """`start` names its number, its time and its phase."""
        batch = stages.ready()
        stages.commit(start(stages.context, batch.id))
        (attempt,) = stages.ledger.attempts(batch.id)
        assert (attempt.number, attempt.started_at, attempt.phase) == (1, NOON + stages.seconds, "STARTED")
        assert stages.batch(batch.id).state == "SENDING"


def test_a_line_that_is_cut_at_every_rename_becomes_a_persons_matter(stages):
    """Lost answers count like refusals: after `hold_after` it is held, not tried for ever."""
    batch, far = stages.ready(), FarSide(*[loses(arrived=False)] * 40)
    states = []
    for _ in range(8):
        states.append(stages.attempt(far, batch.id).state)
        if states[-1] != "DEFERRED":
            break
        stages.later(900)
    assert states == [*["DEFERRED"] * 5, "HELD"]


def test_sending_again_has_an_end_where_nobody_can_tell(make_stages):
    """`in_doubt: resend` trusts the far side with a few copies; then a person decides."""
    stages = make_stages(in_doubt="resend")
    batch, far = stages.ready(), FarSide(*[loses(arrived=True)] * 40)
    far.blind = True
    for _ in range(10):
        if stages.attempt(far, batch.id).state != "DEFERRED":
            break
        stages.later(60)
    assert (stages.ledger.batch(batch.id).state, len(far.inbox)) == ("IN_DOUBT", 3)
