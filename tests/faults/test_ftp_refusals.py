"""What an FTP server refuses, forgets or lies about, step by step: never taken for more than it is."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import ChannelError, Permanent, Transient, UnknownOutcome
from tests.ftp_scripts import answering
from tests.ftp_servers import ProFtpd, Vsftpd

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ftp_scripts import Peer
    from tests.ftp_servers import FtpServer


def files(folder: Path) -> set[str]:
    """Return every file at the far side, hidden ones included."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


def refused(channel: Any, parcel: Any, will_publish: Any = lambda: None) -> ChannelError:
    """Send; return the failure."""
    with pytest.raises(ChannelError) as caught:
        channel.send(parcel, will_publish)
    channel.close()
    return caught.value


class TestByRename:
    @pytest.mark.parametrize(
        ("step", "reply", "verdict"),
        [
            ("greeting", "421 too many connections", Transient),
            ("greeting", "530 not from there", Permanent),
            ("greeting", "HTTP/1.1 400 Bad Request", Permanent),
            ("USER", "530 not you", Permanent),
            ("USER", "421 going down", Transient),
            ("PASS", "332 and your account?", Permanent),
            ("PASS", "530 no", Permanent),
            ("PASS", "431 later", Transient),
            ("TYPE", "504 no", Permanent),
            ("EPSV", "425 no", Transient),
            ("EPSV", "229 somewhere", Permanent),
            ("EPSV", "229 (|||0|)", Permanent),
            ("EPSV", "229 (|||99999|)", Permanent),
            ("STOR", "450 busy", Transient),
            ("STOR", "452 no room", Transient),
            ("STOR", "552 no room for you", Transient),
            ("STOR", "550 no right", Permanent),
            ("STOR", "553 no such name", Permanent),
            ("STOR", "999 ?", Permanent),
            ("RNFR", "450 busy", Transient),
            ("RNFR", "550 no right", Permanent),
            ("RNFR", "502 not known", Permanent),
        ],
    )
    def test_before(self, scripted_ftp: Any, make_parcel: Any, step: str, reply: str, verdict: type) -> None:
        """A definite no before the rename: nothing shows, nothing stays behind."""
        server = scripted_ftp(otherwise={step: reply})
        error = refused(server.channel(), make_parcel(), pytest.fail)
        assert type(error) is verdict
        assert files(server.root) == set()

    @pytest.mark.parametrize(
        ("reply", "verdict"),
        [("553 no such name", Permanent), ("550 no", Permanent), ("451 later", Transient)],
    )
    def test_at_the_rename(self, scripted_ftp: Any, make_parcel: Any, reply: str, verdict: type) -> None:
        """The temporary file is still there, so nothing was renamed."""
        server = scripted_ftp(otherwise={"RNTO": reply})
        assert type(refused(server.channel(), make_parcel())) is verdict
        assert files(server.root) == set()

    def test_a_refusal_that_is_a_lie(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """Renamed, yet a no is said: the look finds it."""
        server = scripted_ftp(afterwards={"RNTO": answering("550 no")})
        channel = server.channel()
        receipt = channel.send(make_parcel(), lambda: None)
        channel.close()
        assert receipt.how == "verified"
        assert len(files(server.root)) == 1

    @pytest.mark.parametrize("reply", ["426 cut", "451 an error", "452 no room", "552 no room for you"])
    def test_bytes_not_taken(self, scripted_ftp: Any, make_parcel: Any, reply: str) -> None:
        """The bytes were sent and the server says no: its word counts, not that they could be sent."""
        server = scripted_ftp(afterwards={"STOR": answering(reply)})
        assert type(refused(server.channel(), make_parcel(), pytest.fail)) is Transient
        assert files(server.root) == set()

    def test_bytes_lost_with_a_yes(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """A yes with another size is no yes."""

        def short(peer: Peer) -> None:
            (part,) = peer.server.root.glob(".*.part")
            os.truncate(part, 3)
            peer.say("226 all of it")

        server = scripted_ftp(afterwards={"STOR": short})
        error = refused(server.channel(), make_parcel(), pytest.fail)
        assert type(error) is Transient
        assert "stored 3 of" in str(error)
        assert files(server.root) == set()

    def test_swept_at_the_rename(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """Gone at once: sent, where the server is known to take files away; else nobody can tell."""

        def sweep(peer: Peer) -> None:
            for path in peer.server.root.iterdir():
                path.unlink()
            peer.say("250 renamed")

        server = scripted_ftp(afterwards={"RNTO": sweep})
        channel = server.channel()
        assert channel.send(make_parcel(), lambda: None).how == "swept"
        channel.close()
        assert type(refused(server.channel(sweeps=False), make_parcel())) is UnknownOutcome

    def test_swept_before_the_rename(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """A server that takes the temporary file has it, under whatever name: nobody can tell."""

        def sweep(peer: Peer) -> None:
            for path in peer.server.root.iterdir():
                path.unlink()
            peer.say("226 stored")

        server = scripted_ftp(afterwards={"STOR": sweep})
        error = refused(server.channel(), make_parcel(), pytest.fail)
        assert type(error) is UnknownOutcome
        assert "publish: direct" in str(error)

    def test_one_that_does_not_overwrite(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """What a crash left under the temporary name is removed, and the upload made again."""
        server = scripted_ftp()
        parcel = make_parcel()
        part = server.root / f".{parcel.name}.1.part"
        part.write_bytes(b"half")

        def once(peer: Peer) -> None:
            del server.script.otherwise["STOR"]
            peer.say("553 it is there already")

        server.script.otherwise["STOR"] = once
        channel = server.channel()
        channel.send(parcel, lambda: None)
        channel.close()
        assert files(server.root) == {parcel.name}


class TestLooking:
    @pytest.mark.parametrize("reply", ["500 what?", "502 not known", "550 no right"])
    def test_without_sizes(self, scripted_ftp: Any, make_parcel: Any, reply: str) -> None:
        """A server that tells no sizes is taken at its word; a name that is taken stays untouched."""
        server = scripted_ftp(otherwise={"SIZE": reply})
        channel = server.channel()
        parcel = make_parcel()
        assert channel.send(parcel, lambda: None).how == "accepted"
        assert channel.look(parcel).found is None
        channel.close()
        (server.root / parcel.name).write_bytes(b"another")
        assert type(refused(server.channel(), parcel, pytest.fail)) is UnknownOutcome
        assert (server.root / parcel.name).read_bytes() == b"another"

    def test_not_allowed(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """With `look: false` the server is asked for nothing but the upload."""
        server = scripted_ftp()
        channel = server.channel(look=False)
        assert channel.send(make_parcel(), lambda: None).how == "accepted"
        assert channel.look(make_parcel(name="other.csv")).found is None
        channel.close()
        assert not {"SIZE", "NLST", "RETR"} & set(server.verbs)

    def test_content_that_may_not_be_read(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """The size decides then, and it is said so."""
        server = scripted_ftp(otherwise={"RETR": "550 no right"})
        channel = server.channel()
        parcel = make_parcel()
        channel.send(parcel, lambda: None)
        sighting = channel.look(parcel)
        channel.close()
        assert sighting.found is True
        assert "may not be read" in sighting.evidence

    def test_among_the_processed(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """Where the server moves what it took to, our name in another proves that it had it."""
        server = scripted_ftp()
        parcel = make_parcel()
        (server.root / "done").mkdir()
        channel = server.channel(processed_directory="/done")
        assert channel.look(parcel).found is None
        (server.root / "done" / f"20260801_{parcel.name}").write_bytes(b"")
        assert channel.look(parcel).found is True
        channel.close()

    def test_what_was_left_proves_that_it_was_not_renamed(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """The temporary file of the attempt before is there: it goes, and nothing was published."""
        server = scripted_ftp()
        parcel = make_parcel(attempt=2)
        (server.root / f".{parcel.name}.1.part").write_bytes(b"half")
        channel = server.channel()
        assert channel.look(parcel).found is False
        channel.close()
        assert files(server.root) == set()

    def test_a_server_that_removes_what_never_was(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """Its word about removing proves nothing."""
        server = scripted_ftp(otherwise={"DELE": "250 gone"})
        channel = server.channel()
        assert channel.look(make_parcel()).found is None
        channel.close()


class TestDirect:
    def test_arrives(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """The note comes before the first byte; a second delivery finds the first."""
        server = scripted_ftp()
        seen: list[set[str]] = []
        channel = server.channel(publish="direct")
        parcel = make_parcel()
        channel.send(parcel, lambda: seen.append(files(server.root)))
        again = channel.send(dataclasses.replace(parcel, attempt=2), pytest.fail)
        channel.close()
        assert seen == [set()]
        assert "earlier attempt" in again.evidence
        assert files(server.root) == {parcel.name}

    @pytest.mark.parametrize("size", ["213", "502 not known", "550 no right"])
    def test_overwrites_nothing(self, scripted_ftp: Any, make_parcel: Any, size: str) -> None:
        """Whatever stands under the name stays."""
        server = scripted_ftp(otherwise={} if size == "213" else {"SIZE": size})
        parcel = make_parcel()
        (server.root / parcel.name).write_bytes(b"another")
        assert type(refused(server.channel(publish="direct"), parcel, pytest.fail)) is UnknownOutcome
        assert (server.root / parcel.name).read_bytes() == b"another"

    @pytest.mark.parametrize(
        ("step", "reply", "verdict"),
        [
            ("STOR", "553 no such name", Permanent),
            ("STOR", "450 busy", Transient),
            ("EPSV", "425 no", Transient),
        ],
    )
    def test_refused_before_a_byte(
        self, scripted_ftp: Any, make_parcel: Any, step: str, reply: str, verdict: type
    ) -> None:
        """A no before the transfer began: nothing shows."""
        server = scripted_ftp(otherwise={step: reply})
        assert type(refused(server.channel(publish="direct", look=False), make_parcel())) is verdict
        assert files(server.root) == set()

    def test_refused_behind_the_bytes(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """A half was to be seen: nobody can tell whether somebody took it."""
        server = scripted_ftp(afterwards={"STOR": answering("452 no room")})
        error = refused(server.channel(publish="direct"), make_parcel())
        assert type(error) is UnknownOutcome
        assert "the half was removed" in str(error)
        assert files(server.root) == set()

    def test_no_bytes_of_another_file(self, scripted_ftp: Any, make_parcel: Any) -> None:
        """Changed bytes are found before anything is sent."""
        server = scripted_ftp()
        parcel = make_parcel()
        parcel.path.write_bytes(b"changed")
        assert type(refused(server.channel(publish="direct"), parcel, pytest.fail)) is Permanent
        assert "STOR" not in server.verbs


class TestRealServers:
    @pytest.mark.parametrize("kind", [Vsftpd, ProFtpd])
    @pytest.mark.parametrize("publish", ["rename", "direct"])
    def test_full_disk(self, start_ftp: Any, make_parcel: Any, kind: type[FtpServer], publish: str) -> None:
        """A disk that is full on the far side is never a success, and never leaves a half as a whole."""
        server = start_ftp(kind)
        options = ["-o", "size=1m"]
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", *options, "none", server.inbox], check=False, capture_output=True
        )
        if mounted.returncode:
            pytest.skip("mounting is not allowed here")
        try:
            error = refused(server.channel(publish=publish), make_parcel(b"q" * 3_000_000))
            assert type(error) is (Transient if publish == "rename" else UnknownOutcome)
            assert files(server.inbox) == set()
        finally:
            subprocess.run(["umount", "-l", server.inbox], check=True)

    @pytest.mark.parametrize("denied", ["SIZE", "NLST,SIZE", "RETR", "DELE,SIZE,NLST,RETR"])
    def test_restricted(self, start_ftp: Any, make_parcel: Any, denied: str) -> None:
        """A server without some commands still gets its batch, once."""
        server = start_ftp(Vsftpd, more=f"cmds_denied={denied}")
        channel = server.channel()
        parcel = make_parcel()
        receipt = channel.send(parcel, lambda: None)
        channel.close()
        assert receipt.how == ("accepted" if "SIZE" in denied else "verified")
        assert files(server.inbox) == {parcel.name}

    def test_no_renaming(self, start_ftp: Any, make_parcel: Any) -> None:
        """A server that knows no rename needs a person: nothing shows."""
        server = start_ftp(Vsftpd, more="cmds_denied=RNFR,RNTO")
        assert type(refused(server.channel(), make_parcel(), pytest.fail)) is Permanent
        assert files(server.inbox) == set()
