"""How an order stands to what was sent of it before."""

from __future__ import annotations

import pytest

from agent.model import Precedent, Standing
from agent.preparing.marks import WHOLE
from agent.preparing.precedents import Relation, related

NEW, SAME, OTHER, OLDER = Relation.NEW, Relation.SAME, Relation.OTHER, Relation.OLDER
LATE = Relation.LATE
UNCLEAR, WAITING, COMING = Standing.UNCLEAR, Standing.WAITING, Standing.COMING


def item(name):
    """Give the mark of an item; "" is the whole action."""
    return name.encode().rjust(len(WHOLE)) if name else WHOLE


def said(**values):
    """Give what is said: item=value; `all` is the whole action."""
    rows = ((item("" if name == "all" else name), value) for name, value in values.items())
    return b"".join(mark + f"{value:6}".encode() for mark, value in rows)


def before(at, *, standing=Standing.ARRIVED, level="item", **values):
    """Give a precedent."""
    return Precedent(said(**values), level, standing, float(at), f"s{at}", float(at))


@pytest.mark.parametrize(
    ("now", "earlier", "relation", "shown"),
    [
        ({"a": 5}, [], NEW, None),
        ({"a": 5}, [before(1, b=5)], NEW, None),
        ({"a": 5}, [before(1, a=5)], SAME, "s1"),
        ({"a": 5}, [before(1, a=5, b=1)], SAME, "s1"),
        ({"a": 5}, [before(1, a=5), before(2, b=1)], SAME, "s1"),
        ({"a": 5}, [before(1, a=3), before(2, a=5)], SAME, "s2"),
        ({"a": 5}, [before(1, a=5, standing=UNCLEAR)], OTHER, "s1"),
        ({"a": 5}, [before(1, a=5, standing=COMING)], OTHER, "s1"),
        ({"a": 5}, [before(1, a=5, standing=WAITING)], OTHER, "s1"),
        ({"a": 5}, [before(1, a=3)], OTHER, "s1"),
        ({"a": 5}, [before(1, a=3), before(2, a=4)], OTHER, "s2"),
        ({"a": 5}, [before(1, a=5), before(2, a=3)], OLDER, "s2"),
        ({"a": 5}, [before(1, a=5), before(2, a=3, standing=UNCLEAR)], OLDER, "s2"),
        ({"a": 5}, [before(1, a=5), before(2, a=3, standing=COMING)], OLDER, "s2"),
        ({"a": 5}, [before(1, a=3, standing=UNCLEAR), before(2, a=5)], SAME, "s2"),
        ({"a": 5}, [before(1, a=3, standing=WAITING), before(2, a=5)], OTHER, "s2"),
        ({"a": 3}, [before(1, a=3, standing=WAITING), before(2, a=5)], OLDER, "s2"),
        ({"a": 5, "b": 1}, [before(1, a=5)], OTHER, "s1"),
        ({"a": 5, "b": 1}, [before(1, a=5), before(2, b=1)], SAME, "s1"),
        ({"a": 4, "b": 1}, [before(1, b=1), before(2, b=2)], OLDER, "s2"),
        ({"a": 5}, [before(1, a=5), before(2, all=0)], OLDER, "s2"),
        ({"all": 0}, [before(1, all=0), before(2, a=5)], OLDER, "s2"),
        ({"all": 0}, [before(1, a=5)], OTHER, "s1"),
        ({"a": 5}, [before(1, a=5), before(2, all=9, level="reset")], OTHER, "s2"),
        ({"a": 5}, [before(1, a=5), before(2, all=9, level="reset", standing=COMING)], OTHER, "s2"),
        ({"a": 5}, [before(1, a=5), before(2, all=9, level="reset", standing=WAITING)], OLDER, "s2"),
        ({"a": 5}, [before(1, a=5), before(2, all=9, level="reset", standing=UNCLEAR)], OLDER, "s2"),
        ({"all": 9}, [before(1, all=9, level="reset")], SAME, "s1"),
    ],
)
def test_an_order_beside_earlier_batches(now, earlier, relation, shown):
    """The last batch that names an item counts; a value that was replaced since is an older one."""
    found = related(said(**now), earlier, 9.0)
    assert found.relation is relation
    assert (found.precedent and found.precedent.submission) == shown


def test_the_row_to_blame_is_the_one_concerned():
    """In the order of the rows, not of the items."""
    rows = said(c=1) + said(b=1) + said(a=1)
    assert related(rows, [before(1, b=1), before(2, b=2)], 9.0).row == 1
    assert related(rows, [before(1, a=1)], 9.0).row == 2
    assert related(rows, [before(3, b=2), before(4, a=1)], 2.0).row == 1


@pytest.mark.parametrize(
    ("now", "earlier", "relation", "shown"),
    [
        ({"a": 5}, [before(3, a=4)], LATE, "s3"),
        ({"a": 5}, [before(1, a=4)], OTHER, "s1"),
        ({"a": 5}, [before(2, a=4)], OTHER, "s2"),
        ({"a": 5}, [before(3, b=4)], NEW, None),
        ({"a": 5}, [before(3, a=5)], SAME, "s3"),
        ({"a": 5}, [before(1, a=5), before(3, a=4)], OLDER, "s3"),
        ({"a": 5, "b": 1}, [before(3, a=4), before(4, b=1)], LATE, "s3"),
        ({"a": 5, "b": 1}, [before(3, a=4), before(4, b=1), before(5, b=2)], OLDER, "s5"),
    ],
)
def test_a_file_that_is_prepared_after_one_that_came_later(now, earlier, relation, shown):
    """It was set aside when it came and is released now: what the later one says is newer."""
    found = related(said(**now), earlier, 2.0)
    assert (found.relation, found.precedent and found.precedent.submission) == (relation, shown)
