"""Broken settings as data: every case of tests/corpus/settings-broken, each mistake with its place.

A case is one text file: what is wrong in a line, then `=== NAME` and a settings file as it is, for each that
differs from base/, and last `=== expected`: `file:line:column CODE` and the text that begins there.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agent import channels
from agent.errors import SettingsError
from agent.settings.loader import load

CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "settings-broken"
CASES = sorted(CORPUS.glob("*.txt"))
SECRET = "hunter2"
JARGON = re.compile(
    r"pydantic|Input should|Value error|Traceback|NoneType|\bstr\b|\bdict\b|\btuple\b|validat"
)


def _parts(case):
    """Return the settings files of a case and the lines it expects."""
    pieces = re.split(rb"^=== (\S+)\n", case.read_bytes(), flags=re.MULTILINE)
    files = dict(zip((name.decode() for name in pieces[1::2]), pieces[2::2], strict=True))
    return files, files.pop("expected").decode(errors="replace").splitlines()


def _lay_out(folder, files):
    base = CORPUS / "base"
    sound = {
        path.relative_to(base).as_posix(): path.read_bytes() for path in base.rglob("*") if path.is_file()
    }
    for name, content in (sound | files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "agent.yaml"


def _begins(content, line, column):
    """Return what begins at a place, read as the file's reader does."""
    text = content.decode("utf-8-sig", errors="replace")
    return re.split(r"\r\n|\r|\n", text)[line - 1][column - 1 :]


@pytest.fixture
def kinds(kinds):
    """Return the kinds of destination that the cases name: besides the tests' own, the real one by mail."""
    return replace(kinds, destinations={**channels.kinds(), **kinds.destinations})


@pytest.fixture
def problems_of(tmp_path, kinds):
    """Return a function that lays out a case's files, loads them and returns the error."""

    def problems(files):
        with pytest.raises(SettingsError) as caught:
            load(_lay_out(tmp_path / "settings", files), kinds)
        return caught.value

    return problems


def test_there_are_as_many_cases_as_promised():
    """At least sixty broken settings are kept; an empty walk would pass everything below."""
    assert len(CASES) >= 60


def test_what_the_cases_differ_from_is_sound(tmp_path, kinds):
    """The settings in base/ load, so that a case's mistakes are its own."""
    settings = load(_lay_out(tmp_path / "settings", {}), kinds)
    assert set(settings.feeds) == {"refunds"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_mistake_is_told_at_its_place(case, problems_of):
    """Exactly the expected mistakes, sorted by file, line and column, and each where its text begins."""
    files, expected = _parts(case)
    wanted = []
    for line in expected:
        place, code, *text = line.split(" ", 2)
        wanted.append(f"{place} {code}")
        if text:
            name, row, column = place.split(":")
            assert _begins(files[name], int(row), int(column)).startswith(text[0])
    told = problems_of(files).problems
    places = [":".join(str(part) for part in (one.file, one.line, one.column) if part) for one in told]
    assert [f"{place} {one.code}" for place, one in zip(places, told, strict=True)] == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_no_message_shows_a_secret_or_speaks_of_the_inside(case, problems_of):
    """What a person reads is free of secrets and of words only programmers know."""
    error = problems_of(_parts(case)[0])
    assert SECRET not in str(error)
    assert SECRET not in repr(error.problems)
    assert [
        JARGON.findall(problem.words + problem.mend)
        for problem in error.problems
        if JARGON.search(problem.words + problem.mend)
    ] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_caret_stands_below_the_place(case, problems_of):
    """Each message ends in the source line and a caret under the text to blame, or under its stars."""
    files = _parts(case)[0]
    for problem in problems_of(files).problems:
        if not problem.line:
            assert problem.source_line == ""
            continue
        head, line, caret = str(problem).split("\n")
        assert head.startswith(f"{problem.file}:{problem.line}:{problem.column}: {problem.code} ")
        assert line == problem.source_line
        assert caret.strip() == "^"
        pointed = problem.source_line[problem.caret :]
        raw = _begins(files[problem.file], problem.line, problem.column)
        assert pointed[:1] in {raw[:1].replace("\t", " "), "*", "\ufffd"}
