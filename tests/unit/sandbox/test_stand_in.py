"""The stand-in behaves like the far side, and harms nobody."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from paramiko import ServerInterface

from agent.errors import Permanent
from agent.sandbox.storage import Files


def test_listens_on_loopback_only(stand_in: Any) -> None:
    """No other machine can reach it."""
    assert stand_in()._listener.address[0] == "127.0.0.1"


def test_nothing_leads_out_of_its_folder(stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
    """A path with `..` stays inside."""
    server = stand_in()
    channel_to(server, directory="/../../..").send(make_parcel(name="a.csv"), lambda: None)
    assert [path.name for path in server.storage.root.iterdir()] == ["a.csv"]


def test_records_what_it_took(stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
    """Name, size and digest of each finished file; temporary names are not taken."""
    server = stand_in()
    parcel = make_parcel()
    channel_to(server).send(parcel, lambda: None)
    (one,) = server.accepted
    assert (one.name, one.size, one.sha256) == (parcel.name, parcel.size, parcel.sha256)


def test_a_file_that_goes_while_it_lists_hides_no_other(stand_in: Any) -> None:
    """A name with nothing behind it is left out of a listing."""
    storage = stand_in().storage
    (storage.root / "gone.csv").symlink_to(storage.root / "nowhere")
    (storage.root / "here.csv").write_bytes(b"x")
    listed = Files(ServerInterface(), storage).list_folder("/")
    assert [(one.filename, one.st_size) for one in listed] == [("here.csv", 1)]


def test_keys_may_log_in(stand_in: Any, make_parcel: Any, tmp_path: Any) -> None:
    """A key that is listed lets in, another does not."""
    from agent.channels.sftp import Channel, Options  # noqa: PLC0415 - shown where it is used
    from tests.servers import make_key, public, reveal  # noqa: PLC0415 - the same

    known, unknown = make_key(tmp_path / "known"), make_key(tmp_path / "unknown")
    server = stand_in(authorized_keys=[public(known)])
    for key in (known, unknown):
        settings = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": server.username,
            "private_key": {"file": str(key)},
            "host_keys": server.host_key_line,
        }
        channel = Channel(Options.model_validate(settings), reveal)
        if key is known:
            channel.send(make_parcel(), lambda: None)
        else:
            with pytest.raises(Permanent):
                channel.send(make_parcel(), lambda: None)
        channel.close()


def test_lets_go_of_its_port(stand_in: Any) -> None:
    """After the end nobody answers."""
    server = stand_in()
    server.__exit__()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)
