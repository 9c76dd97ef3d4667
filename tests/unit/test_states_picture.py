"""The README's pictures of the two state machines are those of the tables.

Run as a program, this prints them into the README anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.states import BATCH, SUBMISSION

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = (
    "<!-- states: printed by tests/unit/test_states_picture.py, do not edit -->\n",
    "<!-- /states -->",
)


def picture(table):
    """Draw one machine as a Mermaid diagram; arrows between the same two states share one line."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in table.items():
        arrows.setdefault((str(before) or "[*]", str(after)), []).append(event)
    lines = [f"    {before} --> {after}: {' / '.join(events)}" for (before, after), events in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def section(table_of_submissions, table_of_batches):
    """Draw both machines as they stand in the README."""
    return (
        f"\nA submission:\n\n{picture(table_of_submissions)}\n\nA batch:\n\n{picture(table_of_batches)}\n\n"
    )


def test_the_readme_shows_the_tables_as_they_are():
    """A new edge in `states.py` shows in the README; put what this test expects between the two marks."""
    readme = README.read_text(encoding="utf-8")
    assert readme.partition(BEGIN)[2].partition(END)[0] == section(SUBMISSION, BATCH)


@pytest.mark.parametrize("table", [SUBMISSION, BATCH], ids=["submission", "batch"])
def test_every_state_is_in_its_picture(table):
    """The picture leaves no state and no event out."""
    drawn = picture(table)
    assert all(str(after) in drawn for after in table.values())
    assert all(event in drawn for _, event in table)


if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after_it = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}{section(SUBMISSION, BATCH)}{END}{after_it}", encoding="utf-8")
