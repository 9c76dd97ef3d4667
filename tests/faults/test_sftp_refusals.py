"""What a server refuses, forgets or lies about, step by step: never taken for more than it is."""

from __future__ import annotations

import dataclasses
import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import ChannelError, Permanent, Transient, UnknownOutcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.sandbox import SandboxSftp
    from agent.sandbox.storage import Request

OK, NO_SUCH_FILE, DENIED, FAILURE, UNSUPPORTED = 0, 2, 3, 4, 8


def answering(operation: str, status: int, *, beyond: int = -1) -> Callable[[Request], int | None]:
    """Answer one kind of request so, in place of doing it; writes only those that end beyond a size."""
    return lambda request: status if request.operation == operation and request.end > beyond else None


def cut(server: SandboxSftp) -> int:
    """Cut every connection, and do not do what was asked."""
    server.cut()
    return FAILURE


def files(folder: Path) -> set[str]:
    """Return every file at the far side, hidden ones included."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


class TestBeforeTheRename:
    """Nothing shows, nothing stays behind, and the verdict tells whether trying again can help."""

    @pytest.mark.parametrize(
        ("operation", "status", "verdict"),
        [
            ("open", DENIED, Permanent),
            ("open", NO_SUCH_FILE, Permanent),
            ("open", UNSUPPORTED, Permanent),
            ("open", FAILURE, Transient),
            ("write", FAILURE, Transient),
            ("write", DENIED, Permanent),
            ("close", FAILURE, Transient),
        ],
    )
    def test_refused(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, operation: str, status: int, verdict: type
    ) -> None:
        """A definite no at each step."""
        server = stand_in(interfere=answering(operation, status))
        with pytest.raises(ChannelError) as caught:
            channel_to(server).send(make_parcel(b"m" * 100_000), pytest.fail)
        assert type(caught.value) is verdict
        assert files(server.storage.root) == set()

    @pytest.mark.parametrize("size", [40_000, 3_000_000])
    def test_the_last_write_refused(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, size: int
    ) -> None:
        """A disk that is full at the last block: not one answer goes unread, however many are under way."""
        server = stand_in(interfere=answering("write", FAILURE, beyond=size - 1))
        with pytest.raises(Transient, match="refused to write"):
            channel_to(server).send(make_parcel(b"n" * size), pytest.fail)
        assert files(server.storage.root) == set()

    def test_one_write_in_the_middle_refused(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """A hole that the size does not show: the answers to the first of many writes are read, too."""
        writes = itertools.count()
        server = stand_in(
            interfere=lambda request: FAILURE if request.operation == "write" and next(writes) == 1 else None
        )
        with pytest.raises(Transient, match="refused to write"):
            channel_to(server).send(make_parcel(b"h" * 6_000_000), pytest.fail)
        assert files(server.storage.root) == set()

    @pytest.mark.parametrize("look", [True, False])
    def test_bytes_dropped_in_silence(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, *, look: bool
    ) -> None:
        """A server that says yes to a write and stores nothing is found out by the size of the open file."""
        server = stand_in(interfere=answering("write", OK, beyond=99_999))
        with pytest.raises(Transient, match=r"stored \d+ of 100000 bytes"):
            channel_to(server, look=look).send(make_parcel(b"o" * 100_000), pytest.fail)
        assert files(server.storage.root) == set()

    def test_the_next_attempt_is_not_confused(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """After a refused write, late answers are not taken for those of the next parcel."""
        refusing = [True]
        server = stand_in(
            interfere=lambda request: FAILURE if request.operation == "write" and refusing[0] else None
        )
        channel = channel_to(server)
        with pytest.raises(Transient):
            channel.send(make_parcel(b"p" * 1_000_000), pytest.fail)
        refusing.clear()
        refusing.append(False)
        for number in range(3):
            channel.send(make_parcel(b"q" * 300_000, name=f"{number}.csv"), lambda: None)
        assert [one.size for one in server.accepted] == [300_000] * 3


class TestTheRename:
    @pytest.mark.parametrize(
        ("status", "verdict"), [(DENIED, Permanent), (UNSUPPORTED, Permanent), (FAILURE, Transient)]
    )
    def test_refused_with_the_name_free(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, status: int, verdict: type
    ) -> None:
        """A definite no, with the temporary file still there: nothing was published, and nothing stays."""
        server = stand_in(interfere=answering("rename", status))
        noted: list[int] = []
        with pytest.raises(ChannelError) as caught:
            channel_to(server).send(make_parcel(), lambda: noted.append(1))
        assert type(caught.value) is verdict
        assert noted == [1]
        assert files(server.storage.root) == set()

    @pytest.mark.parametrize("status", [NO_SUCH_FILE, FAILURE])
    def test_done_but_said_to_have_failed(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, status: int
    ) -> None:
        """A rename that was done and swept away, and then answered with a no, is not taken for undone."""
        server = stand_in(sweep="rename", interfere=answering("renamed", status))
        with pytest.raises(UnknownOutcome):
            channel_to(server).send(make_parcel(), lambda: None)
        assert len(server.accepted) == 1

    def test_done_said_to_have_failed_and_still_there(
        self, stand_in: Any, channel_to: Any, make_parcel: Any
    ) -> None:
        """The same where the file can be seen: it is found."""
        server = stand_in(interfere=answering("renamed", FAILURE))
        assert channel_to(server).send(make_parcel(), lambda: None).how == "verified"
        assert len(server.accepted) == 1

    def test_refused_where_nobody_may_look(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """A no that may mean "the name is taken", and no look allowed: nobody can tell by what."""
        server = stand_in(interfere=answering("rename", FAILURE))
        with pytest.raises(UnknownOutcome):
            channel_to(server, look=False).send(make_parcel(), lambda: None)

    def test_done_but_with_other_bytes(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """A file that has lost bytes on its way from one name to the other is no success."""
        server = stand_in()
        parcel = make_parcel()

        def lose(request: Request) -> None:
            if request.operation == "renamed":
                os.truncate(server.storage.root / parcel.name, 3)

        server.storage.interfere = lose
        with pytest.raises(UnknownOutcome, match="3 bytes are there"):
            channel_to(server).send(parcel, lambda: None)

    def test_said_to_be_done_but_not(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """A yes without a deed: found out where the server takes nothing away; else its word must do."""
        server = stand_in(interfere=answering("rename", OK))
        with pytest.raises(UnknownOutcome, match="take none away"):
            channel_to(server, sweeps=False).send(make_parcel(), lambda: None)
        assert channel_to(server).send(make_parcel(), lambda: None).how == "swept"


class TestSweeping:
    def test_taken_away_at_once(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """A server that takes the file at the rename: sent, not sent again."""
        server = stand_in(sweep="rename")
        parcel = make_parcel()
        assert channel_to(server).send(parcel, lambda: None).how == "swept"
        assert [one.name for one in server.accepted] == [parcel.name]

    def test_taken_away_at_the_close(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """The same for a server that does without a rename."""
        server = stand_in(sweep="close")
        parcel = make_parcel()
        assert channel_to(server, publish="direct").send(parcel, lambda: None).how == "swept"
        assert [one.sha256 for one in server.accepted] == [parcel.sha256]

    def test_answer_lost(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """Taken away, and the answer lost: only a list of processed files can tell."""
        server = stand_in(sweep="rename")
        parcel = make_parcel()
        server.storage.interfere = lambda request: server.cut() if request.operation == "renamed" else None
        with pytest.raises(UnknownOutcome):
            channel_to(server).send(parcel, lambda: None)
        server.storage.interfere = None
        again = dataclasses.replace(parcel, attempt=2)
        assert channel_to(server).look(again).found is None
        sighting = channel_to(server, processed_directory="/processed").look(again)
        assert sighting.found is True
        assert parcel.name in sighting.evidence
        assert channel_to(server, processed_directory="/no").look(again).found is None

    def test_cut_before_the_rename(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """The temporary file of the attempt in doubt is still there: it was not published, for sure."""
        server = stand_in(sweep="rename")
        parcel = make_parcel()
        server.storage.interfere = lambda request: cut(server) if request.operation == "rename" else None
        with pytest.raises(UnknownOutcome):
            channel_to(server).send(parcel, lambda: None)
        server.storage.interfere = None
        again = dataclasses.replace(parcel, attempt=2)
        assert channel_to(server).look(again).found is False
        assert files(server.storage.root) == set()
        channel_to(server).send(again, lambda: None)
        assert [one.name for one in server.accepted] == [parcel.name]

    def test_a_server_that_removes_what_never_was(
        self, stand_in: Any, channel_to: Any, make_parcel: Any
    ) -> None:
        """Its word about a temporary file proves nothing."""
        server = stand_in(interfere=answering("remove", OK))
        assert channel_to(server).look(make_parcel(attempt=2)).found is None


class TestDirect:
    """Without a rename everything from the first byte on may be seen."""

    def test_arrives(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """Under its own name at once, noted before the file is there."""
        server = stand_in()
        seen: list[set[str]] = []
        channel = channel_to(server, publish="direct")
        receipt = channel.send(make_parcel(), lambda: seen.append(files(server.storage.root)))
        assert (receipt.how, seen) == ("verified", [set()])
        assert len(server.accepted) == 1

    def test_again_leaves_one(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """The name is taken by the same: found. By another content: nobody can tell, and it stays."""
        server = stand_in()
        channel = channel_to(server, publish="direct")
        parcel = make_parcel()
        channel.send(parcel, lambda: None)
        assert "earlier attempt" in channel.send(parcel, lambda: None).evidence
        (server.storage.root / parcel.name).write_bytes(b"another")
        with pytest.raises(UnknownOutcome):
            channel.send(parcel, lambda: None)
        assert (server.storage.root / parcel.name).read_bytes() == b"another"
        assert len(server.accepted) == 1

    @pytest.mark.parametrize(
        ("operation", "status", "verdict"),
        [
            ("open", DENIED, Permanent),
            ("open", FAILURE, Transient),
            ("write", FAILURE, UnknownOutcome),
            ("write", OK, UnknownOutcome),
            ("close", FAILURE, UnknownOutcome),
        ],
    )
    def test_refused(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, operation: str, status: int, verdict: type
    ) -> None:
        """Refused before the file was there: nothing shows. Afterwards: unknown, and the half is removed."""
        server = stand_in(interfere=answering(operation, status))
        with pytest.raises(ChannelError) as caught:
            channel_to(server, publish="direct").send(make_parcel(), lambda: None)
        assert type(caught.value) is verdict
        assert files(server.storage.root) == set()

    def test_changed_bytes_are_noticed_first(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """Bytes that changed on our own disk are found before anything shows."""
        server = stand_in()
        parcel = make_parcel()
        parcel.path.write_bytes(b"x" * parcel.size)
        with pytest.raises(Permanent):
            channel_to(server, publish="direct").send(parcel, pytest.fail)
        assert files(server.storage.root) == set()

    def test_a_half_is_not_taken_for_the_whole(
        self, stand_in: Any, channel_to: Any, make_parcel: Any
    ) -> None:
        """What an attempt that was cut off left is neither the parcel nor nothing."""
        server = stand_in()
        parcel = make_parcel()
        (server.storage.root / parcel.name).write_bytes(b"O")
        assert channel_to(server, publish="direct", sweeps=False).look(parcel).found is None


class TestPlaces:
    def test_temporary_files_in_a_folder_of_their_own(
        self, stand_in: Any, channel_to: Any, make_parcel: Any
    ) -> None:
        """Delivered into one folder, by way of another."""
        server = stand_in()
        (server.storage.root / "in").mkdir()
        (server.storage.root / "tmp").mkdir()
        while_noting: list[set[str]] = []
        parcel = make_parcel()
        channel = channel_to(server, directory="in", temp_directory="tmp")
        channel.send(parcel, lambda: while_noting.append(files(server.storage.root / "tmp")))
        assert while_noting == [{f".{parcel.name}.1.part"}]
        assert files(server.storage.root / "tmp") == set()
        assert files(server.storage.root / "in") == {parcel.name}

    def test_content_that_may_not_be_read(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """Name and size must do where nobody may read; another size is no proof."""
        server = stand_in(interfere=answering("open", DENIED))
        parcel = make_parcel()
        for content, found in ((b"x" * parcel.size, True), (b"x", None)):
            (server.storage.root / parcel.name).write_bytes(content)
            assert channel_to(server).look(parcel).found is found

    def test_a_server_that_answers_nonsense_is_left(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, proxied: Any
    ) -> None:
        """A yes in place of a size: nobody could be asked; the next look begins with a new connection."""
        server = stand_in(interfere=answering("stat", OK))
        proxy = proxied(server.port)
        channel = channel_to(server, port=proxy.port)
        for connections in (1, 2):
            with pytest.raises(Transient, match="nonsense"):
                channel.look(make_parcel())
            assert proxy.connections == connections

    def test_a_server_that_may_not_be_asked(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """`look: false` asks for no file by name, before or after; the server's word is the receipt."""
        asked: list[str] = []
        server = stand_in(interfere=lambda request: asked.append(request.operation))
        channel = channel_to(server, look=False)
        parcel = make_parcel()
        assert channel.send(parcel, lambda: None).how == "accepted"
        assert channel.look(dataclasses.replace(parcel, attempt=2)).found is None
        assert not {"stat", "list", "read"} & set(asked)
