"""Records in, rows out: what is bound to which column, where each row came from, and what one bad record costs."""

from __future__ import annotations

from itertools import product

import pytest
from jinja2 import TemplateError

from agent.mapping.dates import DateReader
from agent.mapping.filters import cell_text, feed_filters
from agent.mapping.layout import row_environment
from agent.mapping.lookups import Tables
from agent.mapping.mapping import BoundTemplate, FeedTemplate
from agent.mapping.problems import TemplateRefusedError
from agent.mapping.records import Stream
from agent.model import Fault
from agent.settings.models import Dates, Numbers

FEED = {"name": "refunds", "action_tracker_id": "16027"}
REASONS = {"returned": "ITEM_RETURNED"}
Rows = list[tuple[tuple[int, ...], tuple[str, ...]]]  # the records' numbers, the cells
Failures = list[
    tuple[tuple[int, ...], list[tuple[str, str]]]
]  # the records' numbers, (code, column) of each fault


class Few:
    """A source of some records; record n stands in line n + 1."""

    notes: tuple[Fault, ...] = ()

    def __init__(self, columns: tuple[str, ...], records: tuple[str, ...]) -> None:
        self.columns = columns
        self.number, self.line, self.cells = 0, 0, list[str]()
        self._records = [record.split("|") for record in records]

    def __iter__(self):
        for number, cells in enumerate(self._records, 1):
            self.number, self.line, self.cells = number, number + 1, cells
            yield cells


class Run:
    """A template over some records, as the first look does it."""

    def __init__(
        self,
        source: str,
        columns: str,
        *records: str,
        order: tuple[int, ...] | None = None,
        fill: tuple[str, ...] = (),
    ) -> None:
        names = tuple(columns.split("|"))
        self.bound: BoundTemplate = template(source).bind(names, order)
        self.stream = Stream(Few(names, records), names, fill)
        self.words: list[str] = []
        self.failures: Failures = []
        self.rows: Rows = []
        if self.bound.missing:
            return
        if self.bound.grouped:
            for _, origins, row in self.bound.grouped_rows(self.stream, self._failed):
                self._take(origins, row)
        else:
            for row in self.bound.rows(self.stream, self._failed):
                self._take(self.bound.origin(self.stream), row)

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """The rows alone."""
        return [row for _, row in self.rows]

    def _take(self, origins: tuple[tuple[int, int], ...], row: tuple[str, ...]) -> None:
        functions = self.bound.functions
        made = [functions[index](cell) if index in functions else cell for index, cell in enumerate(row)]
        faults = tuple(cell for cell in made if isinstance(cell, Fault))
        if faults:
            self._failed(origins, faults, ())
        else:
            self.rows.append((tuple(number for number, _ in origins), tuple(map(str, made))))

    def _failed(
        self, origins: tuple[tuple[int, int], ...], faults: tuple[Fault, ...], _cells: object
    ) -> None:
        assert all(line == number + 1 for number, line in origins)
        self.words += [fault.words for fault in faults]
        self.failures.append(
            (tuple(number for number, _ in origins), [(fault.code, fault.field) for fault in faults])
        )


def template(source: str) -> FeedTemplate:
    """Read a template as a feed does."""
    return FeedTemplate(source, FEED, numbers=Numbers(), dates=DateReader(Dates()), reasons=REASONS)


def plain(*lines: str) -> str:
    """A template of two columns with these lines in its loop; the first of them is line 3."""
    return "\n".join(("A,B", "{% for row in rows %}", *lines, "{% endfor %}", ""))


def by_group(*lines: str) -> str:
    """The same with the records grouped by Order."""
    return "\n".join(("A,B", '{% for order, lines in rows | groupby("Order") %}', *lines, "{% endfor %}", ""))


# Binding


@pytest.mark.parametrize("cell", ["row.Name", 'row["Name"]', "row['Name']", "row[0]", 'row["Na" ~ "me"]'])
def test_one_column_many_spellings(cell: str) -> None:
    """Whether by name, in brackets, by place or by a name worked out: it is the same cell."""
    run = Run(plain(f"{{{{ {cell} }}}},x"), "Name|Code", "n1|c1", "n2|c2")
    assert run.cells == [("n1", "x"), ("n2", "x")]


def test_names_that_are_no_identifiers() -> None:
    """Names with spaces, dots, quotes and names that Python objects have are columns like others."""
    columns = "Lineitem sku|a.b|items|keys|Größe|1st"
    source = plain(
        '{{ row["Lineitem sku"] }}{{ row["a.b"] }}{{ row.items }},{{ row.keys }}{{ row["Größe"] }}{{ row["1st"] }}'
    )
    assert Run(source, columns, "1|2|3|4|5|6").cells == [("123", "456")]


def test_misspelt_columns_are_named_before_the_first_record() -> None:
    """Each missing column once, with the line that uses it and the nearest there is."""
    run = Run(
        plain("{{ row.Nmae }},{{ row.Nmae }}", '{{ row["lineitem SKU"] }},{{ row.zzz }}'), "Name|Lineitem sku"
    )
    assert [(fault.code, fault.field) for fault in run.bound.missing] == [
        ("E-HDRMISS", "Nmae"),
        ("E-HDRMISS", "lineitem SKU"),
        ("E-HDRMISS", "zzz"),
    ]
    assert ["in line 3" in fault.words for fault in run.bound.missing] == [True, False, False]
    assert ["in line 4" in fault.words for fault in run.bound.missing] == [False, True, True]
    mend = "mend the file's header, or the template"
    expected = [f"the nearest is 'Name'; {mend}", f"the nearest is 'Lineitem sku'; {mend}", mend]
    assert expected == [fault.mend for fault in run.bound.missing]


def test_a_missing_column_to_group_by() -> None:
    """The column in groupby is looked for like others."""
    run = Run(by_group("{{ order }},x"), "Ordre|Name")
    assert [(fault.field, "in line 2" in fault.words) for fault in run.bound.missing] == [("Order", True)]


@pytest.mark.parametrize(
    ("cell", "without", "with_it"),
    [
        ('row.SKU | default("none")', "none", "s"),
        ('row.SKU | d("none")', "none", "s"),
        ("row.SKU | default(row.Name)", "n", "s"),
        ("row.SKU | default(default_value=row.Name)", "n", "s"),
        ("row.SKU | default", "", "s"),
        ("row.SKU | default(row.Zzz | default('last'))", "last", "s"),
        ("row.SKU if row.SKU is defined else 'no'", "no", "s"),
        ("'no' if row.SKU is undefined else row.SKU", "no", "s"),
        ("row.SKU if row.SKU is not undefined and row.Name else 'no'", "no", "s"),
        ("'no' if row['SKU'] is not defined or not row.SKU else row.SKU", "no", "s"),
    ],
)
def test_columns_that_may_be_absent(cell: str, without: str, with_it: str) -> None:
    """`default` and `is defined` ask the file's header; the branch not taken may name what is not there."""
    source = plain(f"{{{{ {cell} }}}},x")
    assert Run(source, "Name", "n").cells == [(without, "x")]
    assert Run(source, "Name|SKU", "n|s").cells == [(with_it, "x")]


def test_a_whole_branch_that_hangs_on_a_column() -> None:
    """{% if row.X is defined %} settles itself once the columns are known."""
    source = plain(
        "{% if row.X is defined %}",
        "{{ row.X }},x",
        "{% elif row.Y is defined %}",
        "{{ row.Y }},y",
        "{% else %}",
        "-,-",
        "{% endif %}",
    )
    assert Run(source, "X", "1").cells == [("1", "x")]
    assert Run(source, "Y", "1").cells == [("1", "y")]
    assert Run(source, "Z", "1").cells == [("-", "-")]


def test_default_does_not_replace_an_empty_cell_unless_told() -> None:
    """An empty cell is there; with `true` as second argument blanks are replaced."""
    run = Run(plain('{{ row.A | default("d") }},{{ row.A | default("d", true) }}'), "A|B", "|x", "a|x")
    assert run.cells == [("", "d"), ("a", "a")]


def test_order_puts_cells_in_the_batchs_order() -> None:
    """The template's order is its author's business; faults name the column all the same."""
    source = "A,B,C\n{% for row in rows %}\n{{ row.a }},{{ row.b | amount }},c\n{% endfor %}\n"
    run = Run(source, "a|b", "1|2", "3|x", order=(2, 1, 0))
    assert run.cells == [("c", "2", "1")]
    assert run.failures == [((2,), [("E-NUM", "B")])]


def test_cells_are_text_as_written() -> None:
    """Leading zeros, blanks, quotes, commas and line ends pass untouched; literal text keeps its place."""
    run = Run(plain("{{ row.a }},#{{ row.b }}-{{ feed.action_tracker_id }}"), "a|b", ' 007, "x"|\n', "1.0|-0")
    assert run.cells == [(' 007, "x"', "#\n-16027"), ("1.0", "#-0-16027")]


# Where rows come from


def test_plain_rows() -> None:
    """One record, one row: passed over records leave a gap in the numbers."""
    run = Run(plain("{% if row.a %}", "{{ row.a }},x", "{% endif %}"), "a|b", "1|", "|", "3|")
    assert run.rows == [((1,), ("1", "x")), ((3,), ("3", "x"))]
    source = "A,B\n{% for row in rows if row.a %}\n{{ row.a }},x\n{% endfor %}\n"
    assert Run(source, "a|b", "1|", "|", "3|").rows == run.rows


def test_several_rows_of_one_record() -> None:
    """They all come from it."""
    run = Run(
        plain('{% for n in row.a.split("/") %}', "{{ n }},{{ loop.index }}", "{% endfor %}"),
        "a|b",
        "x/y|",
        "z|",
    )
    assert run.rows == [((1,), ("x", "1")), ((1,), ("y", "2")), ((2,), ("z", "1"))]


def test_numbered_columns() -> None:
    """A record with SKU1, SKU2 gives a row for each that is filled."""
    source = plain('{% for item in row | numbered("SKU") %}', "{{ row.Id }},{{ item.SKU }}", "{% endfor %}")
    run = Run(source, "Id|SKU1|SKU2", "a|1|2", "b||3", "c||")
    assert run.rows == [((1,), ("a", "1")), ((1,), ("a", "2")), ((2,), ("b", "3"))]


def test_the_loops_counters() -> None:
    """loop.index, first, previtem and changed count and compare records."""
    counted = "{{ loop.index }}{{ '+' if loop.first else '-' }}"
    compared = (
        "{{ loop.previtem.a if loop.previtem is defined else '' }}{{ 'c' if loop.changed(row.a) else '' }}"
    )
    run = Run(plain(f"{counted},{compared}"), "a|b", "x|", "x|", "y|")
    assert run.cells == [("1+", "c"), ("2-", "x"), ("3-", "xc")]


def test_a_record_in_a_macro() -> None:
    """A record can be handed on whole, under any name."""
    source = "{% macro both(one, row) %}{{ one.a }}{{ row }}{% endmacro %}\n" + plain(
        "{{ both(row, row.b) }},{{ row.a }}"
    )
    assert Run(source, "a|b", "1|2").cells == [("12", "1")]


def test_groups_have_their_records_origins() -> None:
    """Beside the inner loop a row comes from the whole group, within it from the record at hand."""
    source = by_group(
        "{{ order }},{{ lines | length }}",
        "{% for row in lines %}",
        "{{ row.Order }},{{ row.n }}",
        "{% endfor %}",
        "{{ order }},end",
    )
    run = Run(source, "Order|n", "a|1", "b|2", "a|3")
    assert run.rows == [
        ((1, 3), ("a", "2")),
        ((1,), ("a", "1")),
        ((3,), ("a", "3")),
        ((1, 3), ("a", "end")),
        ((2,), ("b", "1")),
        ((2,), ("b", "2")),
        ((2,), ("b", "end")),
    ]


def test_a_walk_through_a_group_that_was_broken_off() -> None:
    """It ends when the next group begins, and must not take that one's rows for its own."""
    walk = '{% set walk = lines | map(attribute="Name") %}{% set name = walk | first %}'
    source = by_group(f'{{% if order == "o1" %}}{walk}{{% endif %}}', "{{ order }},x")
    run = Run(source, "Order|Name", "o1|a", "o2|b", "o1|c", "o3|d", "o3|e")
    assert run.rows[1:] == [((2,), ("o2", "x")), ((4, 5), ("o3", "x"))]


def test_groups_within_groups() -> None:
    """A loop within a loop over the same records gives the inner record, then the outer one again."""
    source = by_group(
        "{% for x in lines %}",
        "{% for y in lines %}",
        "{{ x.n }},{{ y.n }}",
        "{% endfor %}",
        "{{ x.n }},o",
        "{% endfor %}",
    )
    run = Run(source, "Order|n", "a|1", "a|2")
    assert [origins for origins, _ in run.rows] == [(1,), (2,), (1,), (1,), (2,), (2,)]


@pytest.mark.parametrize(
    "over", ['lines | sort(attribute="n")', 'lines | sort(attribute="n") | list', "lines | reverse"]
)
def test_sorted_groups_are_bound(over: str) -> None:
    """Records that pass through a filter still have columns; their rows come from the group."""
    run = Run(
        by_group(f"{{% for row in {over} %}}", "{{ row.n }},x", "{% endfor %}"), "Order|n", "a|2", "a|1"
    )
    assert run.rows == [((1, 2), ("1", "x")), ((1, 2), ("2", "x"))]


def test_fill_down() -> None:
    """Blank cells of the named columns take the record before; the origin stays the record's own."""
    run = Run(plain("{{ row.a }},{{ row.b }}"), "a|b", "1|x", "|y", "2|z", fill=("a",))
    assert run.rows == [((1,), ("1", "x")), ((2,), ("1", "y")), ((3,), ("2", "z"))]


# What fails


def test_a_failing_record_does_not_end_the_run() -> None:
    """The others give their rows; the finding names column and template line."""
    run = Run(
        plain("{# here #}", "{{ row.a }},{{ 10 // (row.b | int) }}"), "a|b", "1|5", "2|0", "3|2", "4|x", "5|1"
    )
    assert run.rows == [((1,), ("1", "2")), ((3,), ("3", "5")), ((5,), ("5", "10"))]
    assert run.failures == [((2,), [("T-FAILED", "B")]), ((4,), [("E-NUM", "B")])]
    assert run.words[0] == "the template fails on this record in line 4: a division by zero"


def test_all_failing_cells_are_named() -> None:
    """Two bad cells of one record are two faults, whether or not they were taken out of the loop."""
    once = Run(plain("{{ row.a | amount }},{{ row.b | quantity }}"), "a|b", "x|1.5", "1|2")
    mixed = Run(
        plain("{{ row.a | amount ~ row.b }},{{ (row.b | int) + (row.a | int) }}"), "a|b", "x|1.5", "1|2"
    )
    assert once.failures == [((1,), [("E-NUM", "A"), ("E-NUM", "B")])]
    assert mixed.failures == once.failures
    assert mixed.cells == [("12", "3")]


def test_a_failure_beside_the_cells_names_its_line() -> None:
    """What fails in an if or a set belongs to no column."""
    run = Run(plain("{% set n = row.a | int %}", "{{ n }},x"), "a|b", "x|", "2|")
    assert (run.cells, run.failures) == ([("2", "x")], [((1,), [("E-NUM", "")])])
    run = Run(plain("{% if 1 / (row.a | int) %}", "1,x", "{% endif %}"), "a|b", "0|", "2|")
    assert (run.failures, "in line 3" in run.words[0]) == ([((1,), [("T-FAILED", "")])], True)


def test_a_failure_within_a_nested_loop() -> None:
    """Rows already given stay the record's, which is told as failed; the next record starts afresh."""
    source = plain('{% for n in row.a.split("/") %}', "{{ 6 // (n | int) }},{{ loop.index }}", "{% endfor %}")
    run = Run(source, "a|b", "1/2/0/3|", "3|")
    assert run.failures == [((1,), [("T-FAILED", "A")])]
    assert run.rows == [((1,), ("6", "1")), ((1,), ("3", "2")), ((2,), ("2", "1"))]


def test_a_failing_group_is_taken_back_whole() -> None:
    """None of its rows goes out, all its records are named, and the groups around it are untouched."""
    source = by_group("{% for row in lines %}", "{{ order }},{{ 6 // (row.n | int) }}", "{% endfor %}")
    run = Run(source, "Order|n", "a|1", "b|1", "c|2", "b|0", "b|3", "a|6")
    assert run.rows == [((1,), ("a", "6")), ((6,), ("a", "1")), ((3,), ("c", "3"))]
    assert run.failures == [((2, 4, 5), [("T-FAILED", "B")])]


def test_what_is_undefined_is_told_with_its_line() -> None:
    """A name nobody set costs each record a finding, never an empty cell."""
    run = Run(plain("x,{{ nme }}"), "a|b", "1|2", "3|4")
    assert (run.rows, run.failures) == ([], [((1,), [("T-UNDEFINED", "B")]), ((2,), [("T-UNDEFINED", "B")])])
    assert run.words[0] == "the template fails on this record in line 3: 'nme' is undefined"


@pytest.mark.parametrize("cell", ["feed[row.a]", "row[row.a]", "row.b[row.a]", "{'k': 1}[row.a]"])
def test_a_value_that_is_looked_up_in_vain_is_not_told(cell: str) -> None:
    """The words go into the ledger, the value does not."""
    run = Run(plain(f"x,{{{{ {cell} }}}}"), "a|b", "Jane Doe|2")
    assert run.failures == [((1,), [("T-UNDEFINED", "B")])]
    assert "Jane" not in run.words[0]
    assert run.words[0].endswith("of that name")


@pytest.mark.parametrize("cell", ["none", "true", "row", "[row.a]", "{}", "row.a.strip", "1 == 1"])
def test_what_is_no_text_is_refused(cell: str) -> None:
    """Python's way of writing things never gets into a batch."""
    run = Run(plain(f"x,{{{{ {cell} }}}}"), "a|b", "1|2")
    assert (run.rows, run.failures) == ([], [((1,), [("T-CELL", "B")])])


def test_a_macro_without_end() -> None:
    """It costs the record, not the run."""
    source = "{% macro again(x) %}{{ again(x) }}{% endmacro %}\n" + plain(
        "{{ again(row.a) if row.b else 1 }},x"
    )
    run = Run(source, "a|b", "1|2", "1|")
    assert (run.cells, run.failures) == ([("1", "x")], [((1,), [("T-FAILED", "A")])])


@pytest.mark.parametrize(
    "before", ["{% set x = 1 // 0 %}", "{% set x = nothing.at_all %}", '{% set x = "a" | amount %}']
)
def test_a_template_failing_before_the_first_record_is_refused(before: str) -> None:
    """It would fail on every file: its line is told."""
    source = "A,B\n" + before + "\n{% for row in rows %}\n{{ row.a }},x\n{% endfor %}\n"
    with pytest.raises(TemplateRefusedError) as refused:
        Run(source, "a|b", "1|2")
    assert [(problem.code, problem.line) for problem in refused.value.problems] == [("T-FAILED", 2)]


def test_only_some_cells_of_a_record() -> None:
    """The orders of a failing record are told from its identifiers alone."""
    bound = template(plain("{{ row.a }},{{ 1 // 0 }}")).bind(("a", "b"))
    assert bound.cells_of([["1", "2"]], frozenset({0})) == (("1", ""),)
    with pytest.raises(ZeroDivisionError):
        bound.cells_of([["1", "2"]], frozenset({1}))


def test_a_place_beyond_the_columns() -> None:
    """`row[5]` of a file with two columns is told before or with the record; it never gets into a row."""
    run = Run(plain("{{ row[5] }},x"), "a|b", "1|2")
    assert run.rows == []
    assert run.bound.missing or run.failures


@pytest.mark.parametrize("number", ["1e-7", "0.00001", "1e20"])
def test_small_and_large_numbers_in_a_template(number: str) -> None:
    """A number in the template's text is that number, however it is written."""
    assert Run(plain(f"{{{{ 'less' if {number} < 1 else 'more' }}}},x"), "a|b", "1|2").failures == []


@pytest.mark.parametrize(
    "source",
    [
        plain("{% set one = row %}", "{{ one.zzz }},x"),
        "{% macro cut(one) %}{{ one.zzz }}{% endmacro %}\n" + plain("{{ cut(row) }},x"),
    ],
)
def test_a_misspelt_column_of_a_record_handed_on(source: str) -> None:
    """The finding speaks of the record and the column, not of the program."""
    run = Run(source, "a|b", "1|2")
    assert run.failures == [((1,), [("T-UNDEFINED", "A")])]
    assert ["'zzz'" in words and "agent." not in words for words in run.words] == [True]


# Cells that are taken out of the loop

FUSED = [
    "row.a | amount",
    "row.a | quantity",
    "row.a | date",
    "row.a | reason",
    "row.a | order_id",
    "row.a | trim | upper",
    "row.a | lower | replace('x', 'y')",
    "row.a | default('d', true)",
    "row.a | title",
    "row.a | capitalize",
    "row.a | int",
    "row.a | float",
    "row.a | int(0) + 1",
    "row.a | float(1.5)",
    "(row.a | amount | float) | abs | round(1)",
    "row.a | string",
    "'#' ~ row.a",
    "row.a ~ row.a | upper",
    "row.a + 'x'",
    "row.a[1:]",
    "row.a[0]",
    "row.a[-1]",
    "row.a == '1'",
    "'yes' if row.a else 'no'",
    "'yes' if row.a == '12.50' or row.a is in ['x'] else row.a",
    "'yes' if row.a in ('x', '1') and not row.a is eq('x') else 'no'",
    "'odd' if row.a | int(0) is odd else 'even'",
    "row.a if row.a is lower else row.a | lower",
    "'big' if row.a | int(0) > 3 else 'small'",
    "'x' if row.a",
    "[row.a, 'b'][1]",
    "(row.a, 'b')[0]",
    "row.a | int / 2",
]
VALUES = [
    "",
    "0",
    "1",
    "12.50",
    " 7 ",
    "x",
    "X y",
    "2026-03-01",
    "returned",
    "1.2E+15",
    "-3",
    "\u0663",
    "a\u00a0b",
    '","',
    "{{ a }}",
]


def ordinary(expression: str, value: str) -> str | None:
    """What ordinary Jinja, in the same sandbox with the same filters, makes of it; None where it fails."""
    environment = row_environment()
    environment.filters.update(feed_filters(Numbers(), DateReader(Dates()), REASONS, Tables({})))
    try:
        return cell_text(
            environment.compile_expression(expression, undefined_to_none=False)(row={"a": value})
        )
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError):
        return None


@pytest.mark.parametrize("expression", FUSED)
def test_taken_out_or_not_the_cell_is_the_same(expression: str) -> None:
    """One column's expression gives what Jinja gives, alone, beside another line, and again after a failure."""
    expected = [ordinary(expression, value) for value in VALUES]
    for source in (
        plain(f"{{{{ {expression} }}}},{{{{ row.b }}}}"),
        plain(f"{{{{ {expression} }}}},{{{{ row.b }}}}", "{% if row.c %}", "x,x", "{% endif %}"),
    ):
        run = Run(source, "b|a|c", *(f"{number}|{value}|" for number, value in enumerate(VALUES)))
        made = {int(number): cell for cell, number in run.cells}
        assert [made.get(number) for number in range(len(VALUES))] == expected
        assert [origins for origins, _ in run.failures] == [
            (n + 1,) for n, cell in enumerate(expected) if cell is None
        ]


def test_cells_of_one_column_are_taken_out() -> None:
    """That is what makes the speed: pure cells of one column leave the loop, others stay."""
    cells = [
        "row.a | amount",
        "row.a",
        "row.a ~ row.b",
        "feed.name",
        "row.a ~ feed.name",
        "row.a.strip()",
        "row.a | list | join",
    ]
    header = ",".join("ABCDEFG")
    line = ",".join(f"{{{{ {cell} }}}}" for cell in cells)
    bound = template(f"{header}\n{{% for row in rows %}}\n{line}\n{{% endfor %}}\n").bind(("a", "b"))
    assert set(bound.functions) == {0, 4}


def test_every_pair_of_cells() -> None:
    """Two taken out cells of a row do not mix their columns up."""
    for left, right in product(("amount", "quantity", "trim"), repeat=2):
        run = Run(plain(f"{{{{ row.a | {left} }}}},{{{{ row.b | {right} }}}}"), "b|a", "1|2", "3|4")
        assert run.cells == [("2", "1"), ("4", "3")]
