"""Whatever stands in the files: settings or SettingsError, every message printable, and no secret in any."""

import tempfile
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.errors import SettingsError
from agent.settings.kinds import Kinds
from agent.settings.loader import load
from agent.settings.models import Destination, Secret, Settings

BASE = Path(__file__).resolve().parents[2] / "corpus" / "settings-broken" / "base"
AGENT, FEED = ((BASE / name).read_text() for name in ("agent.yaml", "feeds/refunds.yaml"))
CANARY = "Zq7CANARY"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SIGNS = st.sampled_from(
    [
        *":-?[]{},&*!|>'\"%@`#~\\ \t\n\r",
        "\ufeff",
        "\u2028",
        "\x00",
        "\x85",
        "\ud7ff",
        "é",
        "😀",
        ": ",
        "- ",
        "\n  ",
        "<<",
        "---\n",
        "...\n",
        "!!",
        "%YAML 1.1\n",
        "\\U00110000",
        "\\x",
        "name",
        "a",
        "1",
        "null",
        "true",
        "10s",
    ]
)
JUNK = st.lists(SIGNS, max_size=40).map("".join)
WORDS = st.sampled_from(
    ["drop", "state", "destinations", "scan", "limits", "type", "sftp", "name", "pattern", "codes"]
)
TREES = st.recursive(
    st.one_of(WORDS, st.text(max_size=5), st.integers().map(str)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


class Sftp(Destination):
    """A destination with secrets."""

    type: Literal["sftp"] = "sftp"
    host: str = ""
    username: str = ""
    password: Secret | None = None
    private_key: Secret | None = None
    host_keys: tuple[str, ...] = ()


def _loaded(agent, feed):
    """Load two files; return the settings or what is told about them."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "settings"
        (folder / "feeds").mkdir(parents=True)
        (folder / "agent.yaml").write_bytes(agent)
        (folder / "feeds" / "a.yaml").write_bytes(feed)
        try:
            return load(folder, Kinds({"sftp": Sftp}))
        except SettingsError as error:
            _is_told_well(error, {"agent.yaml": agent, "feeds/a.yaml": feed})
            return str(error)


def _is_told_well(error, files):
    assert error.problems
    order = [(problem.file, problem.line, problem.column) for problem in error.problems]
    assert order == sorted(order)
    for problem in error.problems:
        assert problem.code.startswith(("C-", "T-"))
        assert problem.words
        assert all(line.isprintable() for line in str(problem).split("\n"))
        assert str(problem).encode("utf-8")
        assert problem.line <= files[problem.file].count(b"\n") + files[problem.file].count(b"\r") + 1
        assert 0 <= problem.caret <= len(problem.source_line)


@QUICK
@given(st.binary(max_size=300), st.binary(max_size=300))
@example(b"\xff\xfe", b"\xef\xbb\xbf")
@example(b"\xef\xbb\xbf\xe9", b"a: \xf0\x9f")
def test_any_bytes(agent, feed):
    """Bytes of any kind are settings or a SettingsError."""
    _loaded(agent, feed)


@QUICK
@given(JUNK, JUNK)
@example('a: "\\UFFFFFFFF"', "%YAML 99999999999999999999.1\n---\n")
@example("? [a]\n: b", "- - - : - ?")
def test_any_signs_of_yaml(agent, feed):
    """So is whatever can be made of YAML's own signs."""
    _loaded(agent.encode("utf-8", "surrogatepass"), feed.encode("utf-8", "surrogatepass"))


@QUICK
@given(
    JUNK, st.integers(0, len(AGENT)), st.integers(0, 9), JUNK, st.integers(0, len(FEED)), st.integers(0, 9)
)
def test_sound_files_with_something_broken_in(junk, place, cut, other, where, gone):
    """A file that was sound and had something cut out and put in is told about like any other."""
    agent = AGENT[:place] + junk + AGENT[place + cut :]
    feed = FEED[:where] + other + FEED[where + gone :]
    _loaded(agent.encode("utf-8", "surrogatepass"), feed.encode("utf-8", "surrogatepass"))


def _flow(tree):
    """Write a tree as YAML, texts in quotes where they need them."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(_flow, tree)) + "]"
    return tree if tree.isascii() and tree.isalnum() else "'" + tree.replace("'", "''") + "'"


@QUICK
@given(TREES, TREES, st.sampled_from(["", "drop: a\n", "destinations:\n  sftp: "]))
def test_any_tree(agent, feed, before):
    """Sound YAML of any shape is settings or a SettingsError."""
    _loaded((before + _flow(agent)).encode("utf-8", "replace"), _flow(feed).encode("utf-8", "replace"))


@QUICK
@given(
    st.sampled_from(["password", "private_key", "pasword", "api_token", "secret"]),
    st.sampled_from(
        [": {}", ": '{}'", ": [{}]", ": {{{}}}", ": {{{}: x}}", ": !{}", ": &{} x", ": *{}", ":\n      {}"]
    )
    | st.sampled_from(
        [": |\n      {}", ': "{}', ": {}: x", ": {{value: {}}}", "={}", ": @{}", ": {{credential: '{}/'}}"]
    ),
    st.lists(SIGNS.filter(lambda sign: "\\" not in sign), max_size=6).map("".join),
    st.booleans(),
)
@example(key="password", form=": {}", junk="\n?", before=True)  # it stands in a key
@example(key="pasword", form=": [{}]", junk="\n?", before=True)
def test_no_secret_is_ever_told(key, form, junk, before):
    """A secret in clear text, written in any way and beside any other mistake, is in no message."""
    secret = f"    {key}{form.format(CANARY)}\n"
    broken = f"    {junk}\n"
    text = AGENT + (broken + secret if before else secret + broken)
    told = _loaded(text.encode("utf-8", "surrogatepass"), FEED.encode())
    assert CANARY not in str(told)


@pytest.mark.parametrize("name", ["agent.yaml", "feeds/refunds.yaml"])
def test_what_is_broken_here_is_sound_before(name):
    """The files that get broken above load as they are, but for their template."""
    assert (BASE / name).is_file()
    found = _loaded(AGENT.encode(), FEED.replace("refunds.csv.j2", "impact-items.csv.j2").encode())
    assert isinstance(found, Settings)
