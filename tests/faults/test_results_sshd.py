"""Result files behind a real sshd: whole ones only, each once, nothing followed, nothing waited for too long."""

import os
import time

import pytest

from agent.acks.resultfiles import Options, Source
from agent.errors import Permanent, Transient
from agent.settings.models import Settings
from tests.servers import Proxy, Sshd, reveal


class Results:
    """A source through a destination at a server, and what the ledger knows."""

    def __init__(self, root, server, destination=None, **options):
        self.root, self.server = root, server
        self.folder = root / "results"
        self.folder.mkdir()
        self.known = set()
        self.now = 0.0
        self._settings = Settings(
            drop=root / "drop",
            state=root / "state",
            destinations={"there": server.options(**(destination or {}))},
            folder=root,
        )
        self._options = Options(**{"through": "there", "directory": str(self.folder), **options})
        self.restart()

    def restart(self):
        """Forget all that is only in memory."""
        if hasattr(self, "source"):
            self.source.close()
        self.source = Source(self._options, self._settings, reveal, clock=lambda: self.now)

    def write(self, name, content=b"TotalErrors: 0\n", *, age=3600.0):
        """Write a file that was last written so many seconds ago."""
        path = self.folder / name
        path.write_bytes(content)
        os.utime(path, (time.time() - age,) * 2)
        return path

    def look(self):
        """Look once more, a minute later."""
        self.now += 60
        found = []
        for fetched in self.source.fetch(self.known.__contains__):
            found.append(fetched)
            self.known.add(fetched.key)
            self.source.kept(fetched)
        return found


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    """Run one server for all."""
    with Sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def results(tmp_path, sshd):
    """Return a source with the usual settings; it leaves nothing open."""
    made = Results(tmp_path, sshd)
    yield made
    made.source.close()


def test_files_come_verbatim_oldest_first_and_once(results):
    """Also one that needs many reads, and also after a restart."""
    large = os.urandom(300_001)
    results.write("result_b.csv", large, age=4000)
    results.write("receipt_b.csv", b"", age=5000)
    results.write("other.csv")
    found = results.look()
    assert [(fetched.name, fetched.content) for fetched in found] == [
        ("receipt_b.csv", b""),
        ("result_b.csv", large),
    ]
    assert abs(time.time() - 4000 - found[1].written_at) < 60
    assert results.look() == []
    results.restart()
    assert results.look() == []


def test_no_link_is_followed_and_no_pipe_opened(results, tmp_path):
    """Only plain files are answers."""
    (tmp_path / "secret").write_bytes(b"secret")
    (results.folder / "result_link").symlink_to(tmp_path / "secret")
    os.mkfifo(results.folder / "result_pipe")
    (results.folder / "result_folder").mkdir()
    results.write("result_a.csv")
    assert [fetched.name for fetched in results.look()] == ["result_a.csv"]


def test_a_file_just_written_is_taken_with_the_second_look(results):
    """The server's clock is not believed within five minutes."""
    results.write("result_a.csv", age=100)
    assert results.look() == []
    assert [fetched.name for fetched in results.look()] == ["result_a.csv"]


def test_a_file_that_grows_waits(results):
    """A half is never taken for the whole."""
    path = results.write("result_a.csv", b"half", age=0)
    assert results.look() == []
    path.write_bytes(b"half and more")
    assert results.look() == []
    assert [fetched.content for fetched in results.look()] == [b"half and more"]


def test_a_file_replaced_is_another_answer(results):
    """Same name, other content."""
    results.write("result_a.csv", b"one")
    results.look()
    results.write("result_a.csv", b"two", age=1800)
    assert [fetched.content for fetched in results.look()] == [b"two"]


def test_a_file_that_may_not_be_read_keeps_back_no_other(tmp_path, sshd):
    """It is told when the others are there; here it is one that is too large."""
    results = Results(tmp_path, sshd, max_size=100)
    results.write("result_a.csv", b"x" * 101, age=5000)
    results.write("result_b.csv")
    with pytest.raises(Permanent, match="more than max_size allows"):
        results.look()
    assert len(results.known) == 1
    results.source.close()


@pytest.mark.parametrize("afterwards", ["remove", "move"])
def test_tidied_once_it_is_kept(tmp_path, sshd, afterwards):
    """Removed or moved, never over another file, and what a crash left untidied as well."""
    results = Results(tmp_path, sshd, afterwards=afterwards, move_to="" if afterwards == "remove" else "read")
    (results.folder / "read").mkdir()
    for content in (b"one", b"two"):
        results.write("result_a.csv", content)
        assert len(results.look()) == 1
    results.write("result_a.csv", b"one")
    results.restart()
    assert results.look() == []
    assert [path.name for path in results.folder.iterdir()] == ["read"]
    moved = sorted(path.read_bytes() for path in (results.folder / "read").iterdir())
    assert moved == ([] if afterwards == "remove" else [b"one", b"one", b"two"])
    results.source.close()


def test_a_folder_that_is_not_there(tmp_path, sshd):
    """A person must look: it is in the settings."""
    results = Results(tmp_path, sshd, directory="/nowhere/at/all")
    with pytest.raises(Permanent, match="no such file"):
        results.look()


def test_another_host_key_gets_no_login(tmp_path, sshd):
    """The destination's pinned keys hold for its answers as well."""
    results = Results(tmp_path, sshd, {"host_keys": ["SHA256:" + "A" * 43]})
    with pytest.raises(Permanent, match="another host key"):
        results.look()


def test_cut_at_every_step_the_rest_comes_later(tmp_path, sshd):
    """Wherever the line breaks, it is told as passing, and nothing is lost or doubled."""
    with Proxy(sshd.port) as proxy:
        results = Results(tmp_path, sshd, {"port": proxy.port})
        for number in range(3):
            results.write(f"result_{number}.csv", os.urandom(20_000))
        results.source.close()
        seen = []
        for size in (0, 500, 2500, 4000, 12_000, 30_000, 50_000):
            proxy.limit("client", size)
            try:
                seen += results.look()
            except Transient:
                continue
        proxy.limit("client", None)
        seen += results.look()
        assert len(results.known) == 3
        assert results.look() == []
        results.source.close()


@pytest.mark.parametrize("size", [0, 2000, 4000, 20_000])
def test_a_silent_server_is_given_up_in_time(tmp_path, sshd, size):
    """Every wait has a deadline, at each step."""
    with Proxy(sshd.port, swallow=True) as proxy:
        quick = {"port": proxy.port, "connect_timeout": "1s", "idle_timeout": "1s"}
        results = Results(tmp_path, sshd, quick)
        results.write("result_a.csv", os.urandom(100_000))
        proxy.limit("client", size)
        begun = time.monotonic()
        with pytest.raises(Transient):
            results.look()
        assert time.monotonic() - begun < 5
        results.source.close()
