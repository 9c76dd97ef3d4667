"""Files made to be slow or endless are refused, and quickly."""

import pytest

from agent.errors import SettingsError
from agent.settings.loader import load

MIB = 2**20
FILES = {
    "larger than a mebibyte": ("#" * (MIB + 1), "C-SIZE"),
    "more values than anybody writes": ("- a\n" * 200_000, "C-SIZE"),
    "one endless text": ("a: " + "b " * 100_000, "C-SIZE"),
    "one endless key": ("a" * 1_000_000 + ": b", "C-SIZE"),
    "brackets in brackets": ("[" * MIB, "C-DEPTH"),
    "braces in braces": ("{" * MIB, "C-DEPTH"),
    "lists in lists": ("- " * (MIB // 2), "C-DEPTH"),
    "questions in questions": ("? " * (MIB // 2), "C-DEPTH"),
    "thousands of unknown keys": ("".join(f"k{n}: v\n" for n in range(9_000)), "C-MORE"),
    "one key thousands of times": ("a: b\n" * 9_000, "C-MORE"),
    "thousands of references": ("a: [" + "*a," * 19_000 + "]", "C-MORE"),
    "thousands of secrets, then a tab": ("password: x\n" * 25_000 + "\tx", "C-SIZE"),
    "what looks like a secret, endless, unreadable": ("passwd" * 50_000 + "\x00", "C-SYNTAX"),
    "line ends only": ("\n" * 200_000 + "\tx", "C-SYNTAX"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_made_to_be_slow_is_refused(name, tmp_path, kinds):
    """Size, depth and number have bounds, and the message stays short."""
    text, code = FILES[name]
    (tmp_path / "agent.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, kinds)
    assert code in {problem.code for problem in caught.value.problems}
    assert len(caught.value.problems) <= 101
    assert max(len(line) for line in str(caught.value).splitlines()) < 500


@pytest.mark.parametrize(
    "line",
    [
        "pattern: '" + "[!" * 4_900 + "]'",
        "encoding: " + "x" * 9_999,
        "dates: {formats: '" + "%d" * 4_900 + "'}",
        "template: " + "a/" * 4_900,
        "settle: " + "9" * 9_999 + "s",
        "max_size: " + "9" * 9_999,
        "max_rows: " + "9" * 9_999,
        "max_amount: " + "9" * 9_999,
        "variables: {a: '" + "://" * 3_000 + "'}",
        "variables: {a: '" + "token " * 1_600 + "'}",
    ],
    ids=lambda line: line[:12],
)
def test_a_value_made_to_be_slow_is_only_a_value(line, tmp_path, kinds):
    """No single value, as long as it may be, keeps a check busy or breaks it."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "agent.yaml").write_text("version: 1\n")
    (tmp_path / "feeds" / "a.yaml").write_text(f"name: a\n{line}\n")
    with pytest.raises(SettingsError, match="needs the key 'level'"):
        load(tmp_path, kinds)
