"""Result files from a folder on disk: only whole ones, each once, and nothing that is no plain file."""

import os

import pytest
from pydantic import ValidationError

from agent.acks.resultfiles import Options, Source
from agent.errors import Permanent, Transient
from agent.settings.models import Settings


class Folder:
    """A result folder with its source, and a clock that is moved by hand; `known` is what the ledger has."""

    def __init__(self, root, **options):
        self.path = root / "results"
        self.path.mkdir()
        self.now = 0.0
        self.wall = 2_000_000_000.0
        self.known = set()
        self._settings = Settings(drop=root / "drop", state=root / "state", destinations={}, folder=root)
        self._options = Options(folder="results", **options)
        self.restart()

    def restart(self):
        """Forget all that is only in memory."""
        self.source = Source(
            self._options, self._settings, lambda _: b"", clock=lambda: self.now, wall=lambda: self.wall
        )

    def write(self, name, content=b"TotalErrors: 0\n", *, age=0.0):
        """Write a file that was last written so many seconds ago."""
        path = self.path / name
        path.write_bytes(content)
        os.utime(path, (self.wall - age, self.wall - age))
        return path

    def look(self, *, after=60.0, keep=True):
        """Look once more after so many seconds; keep what comes, as the agent does."""
        self.now += after
        self.wall += after
        found = []
        for fetched in self.source.fetch(self.known.__contains__):
            found.append(fetched)
            if keep:
                self.known.add(fetched.key)
                self.source.kept(fetched)
        return found

    def names(self, **how):
        """Return the names of what comes."""
        return [fetched.name for fetched in self.look(**how)]


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the usual settings."""
    return Folder(tmp_path)


def test_what_is_fetched_is_verbatim(folder):
    """Name, bytes and time are those of the file."""
    folder.write("result_a.csv", b"\xff\x00\r\n", age=3600)
    (fetched,) = folder.look()
    assert (fetched.name, fetched.content) == ("result_a.csv", b"\xff\x00\r\n")
    assert fetched.written_at == folder.wall - 60 - 3600
    assert fetched.key.startswith("result_a.csv sha256:")


def test_only_the_names_in_the_settings_are_looked_at(tmp_path):
    """Whatever else lies there stays."""
    folder = Folder(tmp_path, receipts=["quittung-*"], results=["ergebnis-*", "result_*"])
    for name in ("quittung-1", "ergebnis-1", "result_1", "receipt_1", ".result_1", "a.csv"):
        folder.write(name, age=3600)
    assert sorted(folder.names()) == ["ergebnis-1", "quittung-1", "result_1"]


def test_the_oldest_comes_first(folder):
    """A receipt is read before its result."""
    folder.write("result_a.csv", age=100)
    folder.write("receipt_a.csv", age=200)
    assert folder.names() == ["receipt_a.csv", "result_a.csv"]


def test_a_file_that_grows_is_not_taken_until_it_is_still(folder):
    """A half-written result is never taken for a whole one."""
    path = folder.write("result_a.csv", b"half")
    assert folder.names(after=1) == []
    with path.open("ab") as stream:
        stream.write(b" and more")
    os.utime(path, (folder.wall, folder.wall))
    assert folder.names(after=9) == []
    assert [fetched.content for fetched in folder.look(after=2)] == [b"half and more"]


def test_a_file_with_a_time_in_the_future_is_taken_when_it_is_still(folder):
    """Clocks differ; stillness does not."""
    folder.write("result_a.csv", age=-86400)
    assert folder.names() == []
    assert folder.names() == ["result_a.csv"]


def test_nothing_comes_twice(folder):
    """Neither with the next look nor after a restart."""
    folder.write("result_a.csv", age=3600)
    assert folder.names() == ["result_a.csv"]
    assert folder.names() == []
    folder.restart()
    assert folder.names() == []


def test_what_was_not_kept_comes_again(folder):
    """Between fetching and keeping anything may break."""
    folder.write("result_a.csv", age=3600)
    assert folder.names(keep=False) == ["result_a.csv"]
    assert folder.names() == ["result_a.csv"]
    assert folder.names() == []


def test_left_early_without_harm(folder):
    """What was not asked for comes with the next look."""
    for name in ("result_a.csv", "result_b.csv"):
        folder.write(name, age=3600)
    one = folder.source.fetch(folder.known.__contains__)
    assert next(one).name == "result_a.csv"
    one.close()
    assert folder.names() == ["result_a.csv", "result_b.csv"]


def test_a_file_written_anew_is_another_answer(folder):
    """The same name with another content is new; with the same content it is not."""
    folder.write("result_a.csv", b"TotalErrors: 0\n", age=3600)
    folder.look()
    folder.write("result_a.csv", b"TotalErrors: 0\n", age=1800)
    assert folder.names() == []
    folder.write("result_a.csv", b"TotalErrors: 1\n", age=900)
    assert folder.names() == ["result_a.csv"]
    assert len(folder.known) == 2


def test_links_pipes_and_folders_are_no_answers(folder, tmp_path):
    """Nothing is followed and nothing is waited for."""
    (tmp_path / "secret").write_bytes(b"TotalErrors: 0\n")
    (folder.path / "result_link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder.path / "result_pipe")
    (folder.path / "result_folder").mkdir()
    folder.write("result_a.csv", age=3600)
    assert folder.names() == ["result_a.csv"]
    assert folder.names() == []


def test_a_file_that_became_a_link_meanwhile_is_not_read(folder, tmp_path):
    """What was listed and what is opened must be the same file."""
    (tmp_path / "secret").write_bytes(b"secret")
    folder.write("result_a.csv", age=3600)
    path = folder.write("result_b.csv", age=1800)
    one = folder.source.fetch(folder.known.__contains__)
    next(one)
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(Transient, match=r"cannot read 'result_b\.csv'"):
        next(one)


def test_a_file_that_is_gone_meanwhile_is_passed_over(folder):
    """Somebody may tidy up while we look."""
    folder.write("result_a.csv", age=3600)
    path = folder.write("result_b.csv", age=1800)
    folder.write("result_c.csv", age=900)
    one = folder.source.fetch(folder.known.__contains__)
    next(one)
    path.unlink()
    assert [fetched.name for fetched in one] == ["result_c.csv"]


def test_a_file_too_large_keeps_back_no_other_and_is_told(tmp_path):
    """It stays where it is; a person hears of it with every look."""
    folder = Folder(tmp_path, max_size=20)
    folder.write("result_a.csv", b"x" * 21, age=3600)
    folder.write("result_b.csv", age=1800)
    with pytest.raises(Permanent, match=r"result_a\.csv has 21 bytes"):
        folder.look()
    assert len(folder.known) == 1
    with pytest.raises(Permanent, match=r"result_a\.csv has 21 bytes"):
        folder.look()


def test_removed_once_it_is_kept(tmp_path):
    """And not before."""
    folder = Folder(tmp_path, afterwards="remove")
    folder.write("result_a.csv", age=3600)
    folder.look(keep=False)
    assert [path.name for path in folder.path.iterdir()] == ["result_a.csv"]
    folder.look()
    assert [path.name for path in folder.path.iterdir()] == []


def test_what_a_crash_left_untidied_is_tidied(tmp_path):
    """Known to the ledger and still there: it is removed without coming again."""
    folder = Folder(tmp_path, afterwards="remove")
    folder.write("result_a.csv", age=3600)
    folder.known.update(fetched.key for fetched in folder.look(keep=False))
    folder.restart()
    assert folder.names() == []
    assert [path.name for path in folder.path.iterdir()] == []


def test_what_was_replaced_meanwhile_is_not_removed(tmp_path):
    """The new content is an answer that nobody has read yet."""
    folder = Folder(tmp_path, afterwards="remove")
    folder.write("result_a.csv", age=3600)
    (fetched,) = folder.look(keep=False)
    folder.write("result_a.csv", b"TotalErrors: 1\n", age=1800)
    folder.source.kept(fetched)
    assert folder.names() == ["result_a.csv"]


def test_moved_once_it_is_kept_and_never_over_another(tmp_path):
    """A second file of the same name gets a part of its digest behind it."""
    folder = Folder(tmp_path, afterwards="move", move_to="read")
    (folder.path / "read").mkdir()
    folder.write("result_a.csv", b"one", age=3600)
    folder.look()
    folder.write("result_a.csv", b"two", age=1800)
    folder.look()
    kept = sorted((folder.path / "read").iterdir())
    assert [path.read_bytes() for path in kept] == [b"one", b"two"]
    assert [path.name[:13] for path in kept] == ["result_a.csv", "result_a.csv."]


def test_a_folder_to_move_to_that_is_not_there_is_told(tmp_path):
    """The answer is kept; only the tidying is still to be done."""
    folder = Folder(tmp_path, afterwards="move", move_to="read")
    folder.write("result_a.csv", age=3600)
    with pytest.raises(Transient, match=r"cannot move 'result_a\.csv'"):
        folder.look()
    assert len(folder.known) == 1
    (folder.path / "read").mkdir()
    assert folder.names() == []
    assert [path.name for path in folder.path.iterdir()] == ["read"]


def test_a_result_folder_that_is_not_there_is_told(folder):
    """It may be a share that is not mounted just now."""
    folder.path.rmdir()
    with pytest.raises(Transient, match="cannot list the folder of results"):
        folder.look()


def test_a_name_nobody_can_print_is_printable(folder):
    """Names come from elsewhere, and go to logs and terminals."""
    folder.write(os.fsdecode(b"result_\xff\x1b[2J.csv"), age=3600)
    (fetched,) = folder.look()
    assert fetched.name.isprintable()
    assert fetched.key.isprintable()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs either a folder on disk, or through"),
        ({"folder": "a", "through": "b"}, "needs either a folder on disk, or through"),
        ({"folder": "a", "directory": "/b"}, "has a directory, which goes with through"),
        ({"folder": "a", "afterwards": "move"}, "needs both or neither"),
        ({"folder": "a", "move_to": "b"}, "needs both or neither"),
        ({"folder": "a", "afterwards": "move", "move_to": "./"}, "needs both or neither"),
    ],
)
def test_settings_that_do_not_fit_together(options, words):
    """Told when settings are read."""
    with pytest.raises(ValidationError, match=words):
        Options(**options)
