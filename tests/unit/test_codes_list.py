"""The README's list of codes is that of the table, and every code has a page.

Run as a program, this prints the list into the README anew.
"""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
import yaml

import agent
from agent.cli.explaining import page
from agent.codes import CODES

TOP = Path(__file__).resolve().parents[2]
README = TOP / "README.md"
BEGIN, END = "<!-- codes: printed by tests/unit/test_codes_list.py, do not edit -->\n", "<!-- /codes -->"
KINDS = {
    "E": "The record, its order or the file is not sent",
    "W": "It is sent; look at it",
    "N": "For the record",
    "Q": "Set aside unread; a person decides",
    "D": "Held; a person decides",
    "T": "The template is wrong, or fails on a record",
    "C": "The settings are wrong",
}


def section(codes):
    """Draw the list as it stands in the README: a table of each kind, folded away."""
    lines = [
        "",
        "Each finding has a code; `impact-agent explain CODE` says what happened, why, and how to mend it.",
    ]
    for letter, words in KINDS.items():
        of_kind = {code: known for code, known in sorted(codes.items()) if code.startswith(letter)}
        lines += ["", f"<details><summary>{letter}-…: {words} ({len(of_kind)})</summary>", ""]
        lines += ["| code | means |", "|---|---|"]
        lines += [f"| `{code}` | {known.title} |" for code, known in of_kind.items()]
        lines += ["", "</details>"]
    return "\n".join([*lines, "", ""])


def test_the_readme_lists_the_codes_as_they_are():
    """A new code shows in the README; put what this test expects between the two marks."""
    readme = README.read_text(encoding="utf-8")
    assert readme.partition(BEGIN)[2].partition(END)[0] == section(CODES)


def test_no_code_is_of_a_kind_that_is_not_listed():
    """Each letter has its table."""
    assert {code[0] for code in CODES} == set(KINDS)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page(code):
    """What it means, what happened or why, and what to do; whatever a person can meet."""
    told = page(code)
    assert all(told[part] for part in ("title", "means", "about", "mend")), told
    assert told["about"].endswith(".")
    assert told["mend"].endswith((".", "?"))
    assert max(map(len, told["example"].splitlines()), default=0) <= 96


def test_pages_hold_nothing_but_their_parts():
    """A misspelt part would never be shown."""
    pages = yaml.safe_load((Path(agent.__file__).parent / "pages.yaml").read_text(encoding="utf-8"))
    assert {part for told in pages.values() for part in told} == {"mend", "why", "example"}
    assert all(isinstance(text, str) for told in pages.values() for text in told.values())


@pytest.mark.parametrize("code", [code for code in CODES if "{%" in page(code)["example"]])
def test_examples_that_are_templates_can_be_read(code):
    """As Jinja at least."""
    jinja2.Environment(autoescape=True).parse(page(code)["example"])


if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(f"{before}{BEGIN}{section(CODES)}{END}{rest.partition(END)[2]}", encoding="utf-8")
