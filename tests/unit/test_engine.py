"""What the engine moves, in which order, what it survives, and what stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.engine import Engine
from agent.errors import LedgerError, Permanent, SpoolError, Transient
from agent.stages.context import REFUSED
from agent.stages.decide import Word, decide
from tests.staging import FarSide, Killed, Stages, arrives, kills, refuses

FILE = b"ActionTrackerID,Oid,SKU,Amount,Quantity,Reason\n16027,A1,RED,0,0,OTHER\n"
TRANSIENT = Transient("the line is busy")
PERMANENT = Permanent("not you")
BUG = refuses(ZeroDivisionError("nobody foresaw it"))


class Agent:
    """An engine over the stages' surroundings, with one far side."""

    def __init__(self, stages: Stages, *script) -> None:
        self.stages, self.far = stages, FarSide(*script)
        self.engine = Engine(stages.context, lambda _: self.far)

    def drain(self) -> int:
        """Pass over all that is due until nothing is; return how many passes moved something."""
        passes = 0
        while self.engine.drain():
            passes += 1
            assert passes < 20, "it never comes to rest"
        return passes

    def state(self, batch) -> str:
        """Return where a batch is."""
        return self.stages.batch(batch.id).state

    def release(self, batch) -> None:
        """Have a person let a batch go, a little later."""
        self.stages.later()
        word = Word("release", batch.id, "mended", self.stages.now)
        self.stages.commit(*decide(self.stages.ledger, self.stages.settings, word).transitions)


@pytest.fixture
def agent(make_stages):
    """Make an agent with two feeds; the arguments are the far side's script."""
    return lambda *script: Agent(make_stages("shop", "other"), *script)


@pytest.fixture
def make_stages(tmp_path):
    """Make the surroundings; the arguments are those of `Stages`."""
    made = []

    def make(*feeds, **more):
        made.append(Stages(tmp_path, *feeds, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


class TestDrain:
    def test_from_the_drop_to_the_archive(self, make_stages):
        """One pass takes a received file through preparing, delivery and closing."""
        agent = Agent(make_stages("shop", template="impact-items.csv.j2"))
        submission = agent.stages.drop("a.csv", FILE)
        assert agent.drain() == 1
        (batch,) = agent.stages.ledger.batches_of(submission.id)
        assert (agent.stages.submission(submission.id).state, batch.state) == ("CLOSED", "SENT")
        header = b"ActionID,Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason"
        assert agent.far.inbox == [(batch.name, header + b"\r\n,A1,16027,RED,0,0,,OTHER\r\n")]
        folder = f"done/{submission.id}--a.csv"
        assert {f"{folder}/a.csv", f"{folder}/report.html"} <= set(agent.stages.tree())

    def test_nothing_to_do(self, agent):
        """A pass over nothing says so."""
        assert agent().engine.drain() is False

    def test_order_of_a_feed(self, agent):
        """Batches go in the order in which their files came."""
        one = agent()
        batches = [one.stages.ready(f"{name}.csv") for name in "dbca"]
        one.drain()
        assert one.far.names == [batch.name for batch in batches]

    def test_a_deferred_batch_holds_back_its_feed_only(self, agent):
        """Later files of the same feed wait with it; those of others do not, once the destination is tried again."""
        one = agent(refuses(TRANSIENT), refuses(TRANSIENT))
        first, second = one.stages.ready("a.csv"), one.stages.ready("b.csv")
        other = one.stages.ready("c.csv", feed="other")
        one.drain()
        assert (one.far.sent, one.far.names) == ([first.name], [])
        one.stages.later(23)
        one.drain()
        assert len(one.far.sent) == 2
        one.stages.later(46)
        one.drain()
        assert sorted(one.far.names) == sorted([first.name, second.name, other.name])
        assert one.far.names.index(first.name) < one.far.names.index(second.name)

    def test_a_batch_that_is_not_due_waits(self, agent):
        """Not a second before its time."""
        one = agent(refuses(TRANSIENT))
        batch = one.stages.ready()
        one.drain()
        one.stages.later(22)
        assert one.drain() == 0
        one.stages.later(1)
        one.drain()
        assert one.state(batch) == "SENT"


class TestRefused:
    def test_the_next_ones_are_not_burnt(self, agent):
        """After a refusal the destination is left alone: one batch is held, the others are as they were."""
        one = agent(refuses(PERMANENT))
        batches = [one.stages.ready(f"{number}.csv") for number in range(3)]
        batches.append(one.stages.ready("c.csv", feed="other"))
        one.drain()
        assert [one.state(batch) for batch in batches] == ["HELD", "READY", "READY", "READY"]
        one.stages.later(REFUSED - 10)
        one.drain()
        assert one.far.sent == [batches[0].name]

    def test_nor_after_a_restart(self, agent):
        """It is the ledger that remembers."""
        one = agent(refuses(PERMANENT))
        batches = [one.stages.ready(f"{number}.csv") for number in range(2)]
        one.drain()
        one.stages.again()
        two = Agent(one.stages)
        two.drain()
        assert (two.far.sent, two.state(batches[1])) == ([], "READY")

    def test_after_the_rest_the_others_go(self, agent):
        """What was held stays with the person it waits for."""
        one = agent(refuses(PERMANENT))
        batches = [one.stages.ready(f"{number}.csv") for number in range(2)]
        one.drain()
        one.stages.later(REFUSED + 1)
        one.drain()
        assert [one.state(batch) for batch in batches] == ["HELD", "SENT"]

    def test_a_released_batch_goes_at_once(self, agent):
        """A person has mended something: the one that is let go finds out, and the others follow."""
        one = agent(refuses(PERMANENT))
        batches = [one.stages.ready(f"{number}.csv") for number in range(3)]
        one.drain()
        one.release(batches[0])
        one.drain()
        assert [one.state(batch) for batch in batches] == ["SENT"] * 3
        assert one.far.names == [batch.name for batch in batches]

    def test_released_but_not_mended(self, agent):
        """It is refused once more, and again only that one."""
        one = agent(refuses(PERMANENT), refuses(PERMANENT))
        batches = [one.stages.ready(f"{number}.csv") for number in range(3)]
        one.drain()
        one.release(batches[0])
        one.drain()
        assert [one.state(batch) for batch in batches] == ["HELD", "READY", "READY"]
        assert one.far.sent == [batches[0].name] * 2


class TestUnforeseen:
    def test_others_go_on(self, agent):
        """What failed so waits; other feeds are served, and the engine has not failed."""
        one = agent(BUG)
        batch, other = one.stages.ready(), one.stages.ready("c.csv", feed="other")
        one.drain()
        assert (one.state(batch), one.state(other)) == ("DEFERRED", "SENT")
        assert one.stages.batch(batch.id).due_at == one.stages.now + 30
        assert one.engine.failure is None

    def test_it_is_tried_again(self, agent):
        """After its rest, it goes; the first attempt is on record as broken."""
        one = agent(BUG)
        batch = one.stages.ready()
        one.drain()
        one.stages.later(31)
        again = Agent(one.stages)  # another engine: the rest is by a clock that no test moves
        again.drain()
        assert again.state(batch) == "SENT"
        assert [one.outcome for one in again.stages.ledger.attempts(batch.id)] == ["broke", "sent"]

    def test_after_it_may_have_arrived(self, agent):
        """The next attempt looks first, and does not send what is there."""

        def step(far, parcel, will_publish):
            arrives(far, parcel, will_publish)
            raise ZeroDivisionError

        one = agent(step)
        batch = one.stages.ready()
        one.drain()
        assert one.state(batch) == "DEFERRED"
        one.stages.later(31)
        again = Agent(one.stages)
        again.far.inbox = one.far.inbox
        again.drain()
        assert (again.state(batch), again.far.sent, again.far.looked) == ("SENT", [], [batch.name])

    def test_a_channel_that_cannot_be_opened(self, agent):
        """The same where not even the channel comes about."""
        one = agent()
        batch = one.stages.ready()

        def fail(_):
            raise ZeroDivisionError

        assert Engine(one.stages.context, fail).drain() is True
        assert one.state(batch) == "DEFERRED"

    def test_a_subject_nobody_can_tell_about(self, agent):
        """A folder people look into that cannot be used rests its submission; the other feed's is closed."""
        one = agent()
        bad, good = one.stages.ready(), one.stages.ready("c.csv", feed="other")
        done = one.stages.settings.drop / "shop" / "done"
        done.rmdir()
        done.write_text("no folder")
        one.drain()
        states = [one.stages.submission(batch.submission).state for batch in (bad, good)]
        assert (states, one.state(bad)) == (["PREPARED", "CLOSED"], "SENT")


class TestStops:
    def closing(self, agent):
        """Make an agent whose ledger breaks while it sends."""
        one = agent()

        def step(far, parcel, will_publish):
            one.stages.ledger.close()
            return arrives(far, parcel, will_publish)

        one.far.script = [step]
        return one, [one.stages.ready(f"{number}.csv") for number in range(2)]

    def test_a_ledger_error(self, agent):
        """It goes out of a pass as it is; nothing became visible and nothing else was tried."""
        one, batches = self.closing(agent)
        with pytest.raises(LedgerError):
            one.engine.drain()
        assert (one.far.sent, one.far.names) == ([batches[0].name], [])

    def test_a_disk_that_does_not_read(self, agent):
        """The spool's disk is nobody's batch: the error goes out, the batch is taken up after a restart."""
        one = agent()
        batch = one.stages.ready()
        path = one.stages.spool.path(batch.path)
        content = path.read_bytes()
        path.unlink()
        path.mkdir()
        with pytest.raises(SpoolError):
            one.engine.drain()
        assert (one.far.sent, one.state(batch)) == ([], "SENDING")
        path.rmdir()
        path.write_bytes(content)
        one.engine.recover()
        one.drain()
        assert one.state(batch) == "SENT"

    def test_a_ledger_error_in_a_thread(self, agent):
        """It takes all threads along, and the engine says why."""
        one, _ = self.closing(agent)
        threads = one.engine.threads(preparing=1)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
        assert isinstance(one.engine.failure, LedgerError)
        assert (one.far.names, one.stages.context.stop.asked) == ([], True)

    def test_asked_to(self, agent):
        """After `stop` nothing new is begun."""
        one = agent()
        batch = one.stages.ready()
        one.engine.stop()
        assert one.engine.drain() is False
        assert one.state(batch) == "READY"


class TestRecover:
    @pytest.mark.parametrize("arrived", [True, False])
    def test_cut_short_while_sending(self, agent, arrived):
        """After a restart it is found or sent: it arrives exactly once."""
        one = agent(kills(arrived=arrived))
        batch = one.stages.ready()
        with pytest.raises(Killed):
            one.engine.drain()
        assert one.state(batch) == "SENDING"
        one.stages.again()
        two = Agent(one.stages)
        two.far.inbox = one.far.inbox
        two.engine.recover()
        two.drain()
        assert (two.state(batch), two.far.names) == ("SENT", [batch.name])
        assert two.stages.submission(batch.submission).state == "CLOSED"

    def test_a_destination_that_is_gone(self, agent):
        """What has no way any more is held, with the reason."""
        one = agent()
        batch = one.stages.ready()
        settings = one.stages.settings.model_copy(update={"destinations": {}})
        Engine(replace(one.stages.context, settings=settings), lambda _: one.far).recover()
        found = one.stages.batch(batch.id)
        assert (found.state, "the destination there" in found.reason) == ("HELD", True)
