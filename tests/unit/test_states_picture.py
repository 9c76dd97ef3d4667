"""The README's pictures of the state machines are those of the tables.

Run as a program, this prints them into the README anew.
"""

from __future__ import annotations

from pathlib import Path

from agent.states import picture

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = (
    "<!-- states: printed by tests/unit/test_states_picture.py, do not edit -->\n",
    "<!-- /states -->",
)
SECTION = f"\n{picture()}\n"


def test_the_readme_shows_the_tables_as_they_are():
    """A new edge in `states.py` shows in the README; put what this test expects between the two marks."""
    readme = README.read_text(encoding="utf-8")
    assert readme.partition(BEGIN)[2].partition(END)[0] == SECTION


if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after_it = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}{SECTION}{END}{after_it}", encoding="utf-8")
