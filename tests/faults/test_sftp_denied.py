"""OpenSSH with requests denied, in every combination: delivered, or a definite no, never a guess."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.channels.sftp import Channel
from agent.errors import Permanent
from tests.servers import Sshd, public, reveal

if TYPE_CHECKING:
    from collections.abc import Iterator

USED = ("stat", "fstat", "rename", "remove")
UNUSED = ("readdir", "setstat")  # denied together or not at all
COMBINATIONS = [
    (*some, *rest)
    for count in range(5)
    for some in itertools.combinations(USED, count)
    for rest in ((), UNUSED)
]
SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server")


class Denying:
    """An OpenSSH server whose denials can be changed between connections."""

    def __init__(self, server: Sshd) -> None:
        program = next(path for path in SERVERS if Path(path).exists())
        self.server, self._denied = server, server.folder / "denied"
        keys = server.folder / "authorized_keys"
        command = f"{program} $(cat {self._denied})"
        keys.write_text(f'command="{command}" {public(server.user_key)}')

    def channel(self, denied: tuple[str, ...], **changes: Any) -> Channel:
        """Return a channel to it, with these requests denied."""
        both = [*denied, *(f"l{name}" for name in denied if name == "stat")]
        self._denied.write_text(f"-P {','.join(both)}" if denied else "")
        return Channel(self.server.options(**changes), reveal)


@pytest.fixture(scope="module")
def denying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Denying]:
    """The server."""
    with Sshd(tmp_path_factory.mktemp("denying") / "server") as server:
        yield Denying(server)


@pytest.mark.parametrize("denied", COMBINATIONS, ids=lambda some: "+".join(some) or "nothing")
def test_by_rename(denying: Denying, inbox: Path, make_parcel: Any, denied: tuple[str, ...]) -> None:
    """Where renaming is allowed the file arrives; where not, a person is told, and nothing shows."""
    channel = denying.channel(denied, directory=str(inbox))
    parcel = make_parcel(b"d" * 70_000)
    if "rename" in denied:
        with pytest.raises(Permanent, match="refused to rename"):
            channel.send(parcel, lambda: None)
        left = {".part"} if "remove" in denied else set()
        assert {path.suffix for path in inbox.iterdir()} == left
    else:
        receipt = channel.send(parcel, lambda: None)
        assert receipt.how == ("accepted" if "stat" in denied else "verified")
        assert ("size confirmed" in receipt.evidence) == (not {"stat", "fstat"} <= set(denied))
        assert {path.name: path.stat().st_size for path in inbox.iterdir()} == {parcel.name: 70_000}
    channel.close()


@pytest.mark.parametrize(
    "denied",
    [
        (*some, "rename")
        for count in range(4)
        for some in itertools.combinations(("stat", "fstat", "remove"), count)
    ],
    ids="+".join,
)
def test_directly(denying: Denying, inbox: Path, make_parcel: Any, denied: tuple[str, ...]) -> None:
    """Where renaming is denied the direct way works, whatever else is denied."""
    channel = denying.channel(denied, directory=str(inbox), publish="direct")
    parcel = make_parcel(b"e" * 70_000)
    assert channel.send(parcel, lambda: None).how == ("accepted" if "stat" in denied else "verified")
    assert {path.name: path.stat().st_size for path in inbox.iterdir()} == {parcel.name: 70_000}
    channel.close()
