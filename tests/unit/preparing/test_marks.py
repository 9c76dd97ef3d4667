"""What is remembered of rows: digests that stand for what they say, however they are written."""

from __future__ import annotations

from agent.preparing.marks import ROW, WHOLE, Items, merged, of_order, of_value, parts

CELLS = {"Amount": "5.00", "Quantity": "1", "Reason": "OTHER"}


def value(**changed):
    """Give the mark of some cells, with some of them changed."""
    return of_value((CELLS | changed).items())


def test_marks_stay_what_they_are():
    """They are kept in the ledger for years: other digests would forget all that was sent."""
    assert of_order("16027\x1fA").hex() == "ee95995042bb0ed919033c75a5b72ed8"
    assert Items()["s1"].hex() == "76782cfc"
    assert value().hex() == "4a3c5ac762f1"
    assert (WHOLE.hex(), ROW) == ("1271cf25", 10)


def test_what_is_said_is_the_filled_cells_by_their_names():
    """A template that gets a column does not make all that was sent something else; nor does another order."""
    assert of_value(reversed(CELLS.items())) == value()
    assert value(Category="") == value()
    assert (
        len({value(), value(Category="c"), value(Amount="5.01"), value(Amount="OTHER", Reason="5.00")}) == 4
    )


def test_many_items_are_not_all_kept_in_mind():
    """A file of nothing but different items stays within its memory, and each mark is what it was."""
    items = Items()
    first = items["s0"]
    for number in range(100_000):
        assert len(items[f"s{number}"]) == len(first)
    assert len(items) < 100_000
    assert items["s0"] == first


def test_rows_of_one_item_count_together_in_no_order():
    """One piece returned and one re-priced is something else than either; the same twice is the same."""
    item = Items()["s1"]
    one, other = item + value(), item + value(Amount="0")
    assert list(parts(one + other)) == [(item, value()), (item, value(Amount="0"))]
    assert merged(one + other) == merged(other + one)
    assert merged(one + other) not in (merged(one), merged(other))
    assert merged(one + one) == merged(one)
