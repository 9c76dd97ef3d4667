"""What every channel promises, on every kind of channel there is, against real far sides."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest

from agent.channels import kinds, open_channel
from agent.channels.base import Parcel, Receipt
from agent.errors import ChannelError, LedgerError, Permanent, Transient, UnknownOutcome
from tests.contract.rigs import RIGS, Able
from tests.servers import wait_until

if TYPE_CHECKING:
    from agent.channels.base import Channel
    from tests.contract.rigs import Rig

needs = pytest.mark.needs
lacks = pytest.mark.lacks


def test_every_kind_of_channel_is_held_to_the_contract() -> None:
    """A new channel cannot come in without a far side to prove its promises against."""
    assert set(kinds()) == {rig.kind for rig in RIGS}
    for name, options in kinds().items():
        assert options.model_fields["type"].default == name


class TestDelivery:
    @pytest.mark.parametrize("size", [0, 1, 32_675, 32_676, 228_899, 3_000_001])
    def test_arrives_whole(self, rig: Rig, channel: Channel, make_parcel: Any, size: int) -> None:
        """Whatever the size: the far side has the bytes under the name, and nothing else."""
        content = hashlib.shake_256(b"seed").digest(size)
        parcel = make_parcel(content)
        receipt = channel.send(parcel, lambda: None)
        assert rig.seen() == {parcel.name: content}
        assert rig.hidden() == []
        assert receipt.how == rig.how
        assert f"{size} bytes" in receipt.evidence

    def test_says_so_before_anything_shows(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """`will_publish` is called once, and at that moment the far side sees nothing."""
        seen: list[dict[str, bytes]] = []
        channel.send(make_parcel(), lambda: seen.append(rig.seen()))
        assert seen == [{}]

    def test_shows_nothing_that_could_not_be_noted(
        self, rig: Rig, channel: Channel, make_parcel: Any
    ) -> None:
        """When the ledger cannot note it, its error comes out unchanged and the far side has nothing."""
        refusal = LedgerError("the disk is full")

        def cannot() -> None:
            raise refusal

        with pytest.raises(LedgerError) as caught:
            channel.send(make_parcel(), cannot)
        assert caught.value is refusal
        assert (rig.seen(), rig.hidden()) == ({}, [])

    @needs(Able.LOOK)
    def test_again_leaves_one(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """A second delivery of the same finds the first: one file, and a receipt that says why."""
        parcel = make_parcel()
        channel.send(parcel, lambda: None)
        inode = (rig.inbox / parcel.name).stat().st_ino
        receipt = channel.send(dataclasses.replace(parcel, attempt=2), lambda: None)
        assert rig.seen() == {parcel.name: parcel.path.read_bytes()}
        assert (rig.inbox / parcel.name).stat().st_ino == inode
        assert "earlier attempt" in receipt.evidence
        assert rig.hidden() == []

    @needs(Able.LOOK)
    def test_never_overwrites(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """A file of another content under the name stays as it is, and nobody claims to know what it is."""
        parcel = make_parcel(b"ours!")
        for other in (b"other", b"longer than ours"):
            (rig.inbox / parcel.name).write_bytes(other)
            with pytest.raises(UnknownOutcome):
                channel.send(parcel, lambda: None)
            assert rig.seen() == {parcel.name: other}

    def test_sends_no_changed_bytes(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """Bytes that are not the parcel's any more do not show; a person must look."""
        parcel = make_parcel(b"prepared")
        for changed in (b"Prepared", b"prepared and more", b"", None):
            parcel.path.unlink() if changed is None else parcel.path.write_bytes(changed)
            with pytest.raises(Permanent):
                channel.send(parcel, pytest.fail)
            assert (rig.seen(), rig.hidden()) == ({}, [])

    @needs(Able.PART)
    def test_removes_what_earlier_attempts_left(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """Temporary files of earlier attempts go; those of other batches stay."""
        parcel = make_parcel(attempt=3)
        other = rig.part("other.csv", 1)
        for name in (rig.part(parcel.name, 1), rig.part(parcel.name, 2), other):
            (rig.inbox / name).write_bytes(b"half")
        channel.send(parcel, lambda: None)
        assert rig.hidden() == [other]

    @needs(Able.PART)
    def test_takes_its_own_name_back(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """A temporary file under this attempt's own name, from a crash nobody noted, is in nobody's way."""
        parcel = make_parcel()
        (rig.inbox / rig.part(parcel.name, 1)).write_bytes(b"a longer half than the whole of it")
        channel.send(parcel, lambda: None)
        assert rig.seen() == {parcel.name: parcel.path.read_bytes()}


class TestMany:
    def test_travel_side_by_side(self, rig: Rig, channel: Any, make_parcel: Any) -> None:
        """All arrive whole; each group is noted once, before any of it shows; outcomes come in order."""
        parcels = [make_parcel(b"%d" % n * 1000, name=f"file-{n}.csv") for n in range(40)]
        noted: list[Parcel] = []

        def will_publish(group: list[Parcel]) -> None:
            assert not {parcel.name for parcel in group} & set(rig.seen())
            noted.extend(group)

        ends = [end for group in channel.send_all(parcels, will_publish) for end in group]
        assert [parcel for parcel, _ in ends] == parcels
        assert {receipt.how for _, receipt in ends} == {rig.how}
        assert noted == parcels
        assert rig.seen() == {parcel.name: parcel.path.read_bytes() for parcel in parcels}
        assert rig.hidden() == []

    def test_one_that_fails_does_not_hinder_the_others(
        self, rig: Rig, channel: Any, make_parcel: Any
    ) -> None:
        """Each has its own end."""
        good, changed = (make_parcel(text, name=f"{text.decode()}.csv") for text in (b"a", b"b"))
        changed.path.write_bytes(b"!")
        groups = list(channel.send_all([changed, good], lambda _: None))
        ends = {parcel.name: type(end) for group in groups for parcel, end in group}
        assert ends == {"a.csv": Receipt, "b.csv": Permanent}
        assert (rig.seen(), rig.hidden()) == ({"a.csv": b"a"}, [])
        assert len(groups) == (1 if Able.TOGETHER in rig.can else 2)

    @needs(Able.LOOK)
    def test_one_whose_name_is_taken_does_not_hinder_the_others(
        self, rig: Rig, channel: Any, make_parcel: Any
    ) -> None:
        """The doubt about one is no doubt about the others."""
        good, changed, taken = (make_parcel(text, name=f"{text.decode()}.csv") for text in (b"a", b"b", b"c"))
        changed.path.write_bytes(b"!")
        (rig.inbox / taken.name).write_bytes(b"another")
        groups = channel.send_all([changed, taken, good], lambda _: None)
        ends = {parcel.name: type(end) for group in groups for parcel, end in group}
        assert ends == {"a.csv": Receipt, "b.csv": Permanent, "c.csv": UnknownOutcome}
        assert rig.seen() == {"a.csv": b"a", "c.csv": b"another"}


class TestLooking:
    @needs(Able.LOOK, Able.SWEEP)
    def test_sees_nothing_where_nothing_is(self, rig: Rig, make_parcel: Any) -> None:
        """Absence proves nothing where the far side takes files away, and all where it does not."""
        for sweeps, found in ((True, None), (False, False)):
            looking = rig.channel(sweeps=sweeps)
            assert looking.look(make_parcel()).found is found
            looking.close()

    @needs(Able.LOOK)
    def test_finds_what_was_delivered(self, channel: Channel, make_parcel: Any) -> None:
        """What an attempt delivered, a later look finds; it says what it compared."""
        parcel = make_parcel(b"x" * 300_000)
        channel.send(parcel, lambda: None)
        sighting = channel.look(dataclasses.replace(parcel, attempt=2))
        assert sighting.found is True
        assert "same content" in sighting.evidence

    @needs(Able.LOOK)
    def test_cannot_tell_what_another_content_is(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """A file under the name that is not the parcel is no proof, neither of this nor of that."""
        parcel = make_parcel(b"ours!")
        for other in (b"other", b"ours", b"ours! and more"):
            (rig.inbox / parcel.name).write_bytes(other)
            sighting = channel.look(parcel)
            assert sighting.found is None
            assert "another content" in sighting.evidence or "instead of" in sighting.evidence

    @lacks(Able.LOOK)
    def test_never_claims_to_know(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """Where nobody can look, a look says so, whether it was delivered or not; it asks nobody."""
        parcel = make_parcel()
        assert channel.look(parcel).found is None
        channel.send(parcel, lambda: None)
        rig.proxy.close()
        rig.proxy.cut()
        sighting = channel.look(dataclasses.replace(parcel, attempt=2))
        assert sighting.found is None
        assert "cannot be looked at" in sighting.evidence

    def test_sends_nothing(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """A look makes nothing appear."""
        channel.look(make_parcel())
        assert (rig.seen(), rig.hidden()) == ({}, [])


class TestConnection:
    @needs(Able.WIRE)
    def test_is_kept_between_parcels(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """Ten parcels and a look need one connection."""
        for number in range(10):
            channel.send(make_parcel(name=f"{number}.csv"), lambda: None)
        channel.look(make_parcel(name="9.csv"))
        assert rig.proxy.connections == 1

    @needs(Able.WIRE)
    def test_is_made_anew_when_it_died_in_between(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """A connection that died while nobody used it costs no attempt."""
        channel.send(make_parcel(name="1.csv"), lambda: None)
        rig.proxy.cut()
        channel.send(make_parcel(name="2.csv"), lambda: None)
        assert set(rig.seen()) == {"1.csv", "2.csv"}

    def test_closes_without_a_trace(self, rig: Rig, make_parcel: Any) -> None:
        """Closing twice, or before anything was sent, does nothing bad; no thread is left."""
        before = set(threading.enumerate())
        channel = rig.channel()
        channel.close()
        channel.send(make_parcel(), lambda: None)
        channel.close()
        channel.close()
        ours = {thread.name for thread in set(threading.enumerate()) - before if "watchdog" in thread.name}
        assert ours == set()

    def test_can_be_used_after_it_was_closed(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """Closing lets go of the connection, not of the channel."""
        channel.send(make_parcel(name="1.csv"), lambda: None)
        channel.close()
        channel.send(make_parcel(name="2.csv"), lambda: None)
        assert set(rig.seen()) == {"1.csv", "2.csv"}


class TestFailures:
    @needs(Able.WIRE)
    def test_nobody_there(self, rig: Rig, make_parcel: Any) -> None:
        """A closed port may open again: try later."""
        channel = rig.channel()
        rig.proxy.close()
        with pytest.raises(Transient):
            channel.send(make_parcel(), pytest.fail)

    @needs(Able.WIRE, Able.LOOK)
    def test_nobody_there_to_be_asked(self, rig: Rig, make_parcel: Any) -> None:
        """A look at a closed port tells nothing: try later."""
        channel = rig.channel()
        rig.proxy.close()
        with pytest.raises(Transient):
            channel.look(make_parcel())

    @needs(Able.LOGIN)
    def test_login_refused(self, rig: Rig, make_parcel: Any) -> None:
        """A wrong secret needs a person; the secret is in none of the words."""
        secret = rig.wrong_secret()
        channel = open_channel(rig.options(), lambda _: secret)
        with pytest.raises(Permanent) as caught:
            channel.send(make_parcel(), pytest.fail)
        assert secret.decode() not in f"{caught.value} {caught.value.evidence}"
        assert rig.seen() == {}

    @needs(Able.FOLDER)
    def test_no_such_folder(self, rig: Rig, make_parcel: Any) -> None:
        """A folder that is not there needs a person."""
        channel = rig.channel(directory="/no/such/folder")
        with pytest.raises(Permanent, match="no such file"):
            channel.send(make_parcel(), pytest.fail)
        channel.close()

    @needs(Able.WIRE)
    def test_answer_lost_after_publishing(self, rig: Rig, channel: Channel, make_parcel: Any) -> None:
        """The far side published, its answer got lost: nobody claims to know; a look, if there is one, finds it."""
        parcel = make_parcel()
        rig.proxy.swallow = True

        def lose_what_follows() -> None:
            rig.proxy.to_client = rig.proxy.passed["client"]
            threading.Thread(target=cut_when_there).start()

        def cut_when_there() -> None:
            wait_until(lambda: parcel.name in rig.seen(), "the far side to publish")
            rig.proxy.cut()

        with pytest.raises(UnknownOutcome):
            channel.send(parcel, lose_what_follows)
        rig.proxy.to_client = None
        assert rig.seen() == {parcel.name: parcel.path.read_bytes()}
        found = channel.look(dataclasses.replace(parcel, attempt=2)).found
        assert found is (True if Able.LOOK in rig.can else None)

    @needs(Able.WIRE)
    def test_cut_anywhere(self, rig: Rig, make_parcel: Any) -> None:
        """Cut at whatever byte: never a half, and what the error says of it is true."""
        whole = {"client": 0, "server": 0}
        for step in range(-1, 20):
            for towards in ("client", "server"):
                name = f"{towards}-{step}.csv"
                rig.proxy.cut()
                rig.proxy.limit(towards, None if step < 0 else whole[towards] * step // 20 + 1)
                end = _end_of(rig, make_parcel(b"y" * 40_000, name=name))
                if step < 0:
                    whole = dict(rig.proxy.passed)
                    assert isinstance(end, Receipt)
                _check_end(rig, name, end)


def _end_of(rig: Rig, parcel: Parcel) -> Receipt | ChannelError:
    channel = rig.channel()
    try:
        return channel.send(parcel, lambda: None)
    except ChannelError as error:
        return error
    finally:
        channel.close()


def _check_end(rig: Rig, name: str, end: Receipt | ChannelError) -> None:
    if not isinstance(end, UnknownOutcome):  # else either is right
        assert (name in rig.seen()) == isinstance(end, Receipt), end
    assert rig.seen().get(name, b"y" * 40_000) == b"y" * 40_000
    assert not isinstance(end, Permanent)
