"""Where the rows of an order came from is read back as it was, however it is written down."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from agent.preparing.rows import Block, Rows, step_of

STEPS = st.one_of(
    st.integers(0, 3).flatmap(lambda step: st.lists(st.just(step), max_size=12)),
    st.lists(st.integers(0, 3), max_size=12),
)
GAPS = st.lists(st.sampled_from([1, 1, 1, 2, 5]), max_size=12)


@given(GAPS, STEPS, st.booleans(), st.data())
def test_of_single_records(gaps, steps, steady, data):
    """Records may be left out, and stand on lines of their own or together; part of a block tells the same."""
    numbers = [*accumulate(gaps, initial=4)]
    lines = [*accumulate(steps, initial=9)]
    many = min(len(numbers), len(lines))
    numbers = numbers[:many]
    at = [9 + 2 * (one - 4) for one in numbers] if steady else lines[:many]
    begin = data.draw(st.integers(0, many - 1))
    end = data.draw(st.integers(begin + 1, many))
    rows = Rows()
    rows.numbers, rows.at = numbers[begin:end], at[begin:end]
    text = rows.origins_text()
    read = Rows()
    read.take_origins(numbers[begin], at[begin], end - begin, text)
    assert read.origins == rows.origins
    assert Block([], [], [], numbers, at, step_of(numbers, at)).origins_text(begin, end) == text
    ascending = [
        (one, at[begin] + one - numbers[begin]) for one in range(numbers[begin], numbers[begin] + end - begin)
    ]
    assert (text is None) == ([*zip(rows.numbers, rows.at, strict=True)] == ascending)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=9))
def test_of_any_records(origins):
    """A record may have given several rows, and the rows of several runs are put together."""
    for several in (False, True):
        rows, read = Rows(), Rows()
        rows.numbers, rows.at = map(list, zip(*origins, strict=True))
        rows.several = several
        read.take_origins(*origins[0], len(origins), rows.origins_text())
        assert read.origins == rows.origins


@given(st.integers(1, 512), st.integers(0, 512), st.integers(0, 9))
def test_what_each_order_pays_is_little(begin, many, step):
    """Where its records follow one another, each as many lines further or none, nothing is written about any."""
    numbers = range(1, 1026)
    at = [7 + step * number for number in numbers]
    block = Block([], [], [], numbers, at, step)
    text = block.origins_text(begin, begin + many + 1)
    assert text is None if step == 1 or not many else text == f'{{"step": {step}}}'
