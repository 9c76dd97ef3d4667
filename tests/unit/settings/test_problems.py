"""How a mistake is shown: place, words, line and caret, whatever stands on the line."""

import pytest

from agent.settings.problems import MASK, Page, Place, Problem, Span, nearest, shown


def _told(text, line, column, *hidden):
    page = Page("agent.yaml", text)
    for start, end in hidden:
        page.hide(Span(Place(*start), Place(*end)))
    page.say("C-VALUE", Place(line, column), "words", "mend")
    (problem,) = page.problems()
    return problem


def test_a_mistake_reads_like_a_compilers():
    """Place, code, words and mend, the source line, and the caret below the column."""
    problem = _told("a: 1\nbc: 22\n", 2, 5)
    assert str(problem) == "agent.yaml:2:5: C-VALUE words; mend\nbc: 22\n    ^"


def test_a_mistake_without_a_place_is_one_line():
    """What concerns a whole file, or no file at all, has no line to show."""
    assert str(Problem("C-EMPTY", "a.yaml", words="it is empty")) == "a.yaml: C-EMPTY it is empty"
    assert str(Problem("T-PATH", words="no", mend="do")) == "T-PATH no; do"


@pytest.mark.parametrize(
    ("hidden", "column", "shows", "caret"),
    [
        ([((1, 6), (1, 9))], 1, f"ab: {MASK[:0]}x" + MASK + " y: z", 0),
        ([((1, 6), (1, 9))], 6, "ab: x" + MASK + " y: z", 5),
        ([((1, 6), (1, 9))], 8, "ab: x" + MASK + " y: z", 5),
        ([((1, 6), (1, 9))], 9, "ab: x" + MASK + " y: z", 13),
        ([((1, 6), (1, 9)), ((1, 7), (1, 8))], 10, "ab: x" + MASK + " y: z", 14),
        ([((1, 1), (1, 3)), ((1, 13), (1, 14))], 10, MASK + ": xSEC y: " + MASK, 15),
        ([((1, 6), (3, 1))], 1, "ab: x" + MASK, 0),
    ],
)
def test_stars_stand_for_what_is_hidden(hidden, column, shows, caret):
    """Hidden stretches have one length whatever they hide, and the caret moves with the text."""
    problem = _told("ab: xSEC y: z\nmore\n", 1, column, *hidden)
    assert (problem.source_line, problem.caret) == (shows, caret)


def test_a_hidden_line_within_a_stretch_is_all_stars():
    """A secret over several lines shows none of them."""
    assert _told("a: |\n  SECRET\n  b\n", 2, 3, ((1, 4), (3, 4))).source_line == MASK


def test_a_long_line_is_cut_round_the_place():
    """Of a line without end only what stands round the place is shown."""
    problem = _told("x" * 5000 + "HERE" + "y" * 5000, 1, 5001)
    assert len(problem.source_line) == 102
    assert problem.source_line[problem.caret :].startswith("HEREy")
    assert problem.source_line[0] == problem.source_line[-1] == "…"


def test_the_caret_knows_wide_and_combining_signs():
    """In a terminal the caret stands below the sign, after signs of two cells and of none."""
    assert str(_told("返品e\u0301: X", 1, 7)).splitlines()[-1] == " " * 7 + "^"


def test_nothing_on_the_line_reaches_the_terminal_as_a_command():
    """Control signs and marks of writing direction are shown as replaced."""
    problem = _told("a\x1b[2J\u202eb\tc\x00", 1, 1)
    assert problem.source_line == "a\ufffd[2J\ufffdb c\ufffd"


def test_a_page_tells_a_hundred_mistakes_and_that_there_are_more():
    """A broken file does not bury its reader; nothing is dropped silently."""
    page = Page("a.yaml", "x\n" * 200)
    for line in range(1, 151):
        page.say("C-VALUE", Place(line, 1), "words")
    told = page.problems()
    assert [problem.code for problem in told] == ["C-VALUE"] * 100 + ["C-MORE"]


def test_the_same_mistake_at_the_same_place_is_told_once():
    """Two looks at one value do not make two mistakes."""
    page = Page("a.yaml", "x")
    for _ in range(2):
        page.say("C-VALUE", Place(1, 1), "words")
    assert len(page.problems()) == 1


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "'plain'"),
        ("a\nb\x1b", "'a\\nb\\x1b'"),
        ("x" * 61, "'" + "x" * 59 + "…'"),
        ("\ud800", "'\\ud800'"),
    ],
)
def test_texts_are_quoted_safely(text, quoted):
    """Quoted texts are short and printable."""
    assert shown(text) == quoted


@pytest.mark.parametrize(
    ("word", "meant"),
    [("setle", "settle"), ("bad-rows", "bad_rows"), ("Pattern", "pattern"), ("xyz", ""), ("", ""), ("-", "")],
)
def test_the_nearest_word_is_the_one_that_was_meant(word, meant):
    """Slips of the finger, of capitals and of hyphens are recognised; strangers are not."""
    assert nearest(word, ["settle", "bad_rows", "pattern", "name"]) == meant
