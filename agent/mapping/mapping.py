"""A feed's template over one file: records in, rows out, each row knowing where it came from.

One bad record does not end the run: it gets its findings, and the compiled generator goes on with the next.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from jinja2 import TemplateError, TemplateSyntaxError, nodes

from agent.mapping.columns import Bound, bind
from agent.mapping.failures import in_words, record_fault, template_line
from agent.mapping.filters import feed_filters
from agent.mapping.layout import (
    BROKEN,
    FAILED,
    FAILURES,
    Layout,
    RowEnvironment,
    read_layout,
    row_environment,
)
from agent.mapping.lookups import Tables, unknown_tables
from agent.mapping.problems import TemplateProblem, TemplateRefusedError
from agent.mapping.records import Stream, groupby
from agent.mapping.single import ColumnFunction
from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jinja2 import Template

    from agent.mapping.dates import DateReader
    from agent.mapping.numbers import NumberForm
    from agent.mapping.records import Failed, Origin

# What an expression can do to us on one record. Everything else is a mistake of ours and must be seen.
EXPRESSION_FAILURES = (
    TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)

Row = tuple[str, ...]

_NO_TABLES: Mapping[str, Mapping[str, str]] = {}

TEMPLATE_FILE = "<template>"  # how compiled templates are called in a traceback


class FeedTemplate:
    """A template as a feed uses it: understood once, bound to each file's columns.

    Raises:
        TemplateRefusedError: the template has mistakes; all that can be found without a file.
    """

    def __init__(
        self,
        source: str,
        feed: Mapping[str, str],
        *,
        numbers: NumberForm,
        dates: DateReader,
        reasons: Mapping[str, str],
        tables: Mapping[str, Mapping[str, str]] = _NO_TABLES,
    ) -> None:
        self.feed = dict(feed)
        self.dates = dates
        self.environment: RowEnvironment = row_environment()
        self.environment.filters.update(feed_filters(numbers, self.dates, reasons, Tables(tables)))
        self.environment.filters["groupby"] = groupby
        self.layout: Layout = read_layout(source, self.environment)
        self.header = self.layout.header
        self.digest = hashlib.sha256(source.encode()).hexdigest()
        bound = bind(self._tree(), None, self.feed)
        if problems := (*unknown_tables(self._tree(), tables), *bound.problems):
            raise TemplateRefusedError(*problems)
        self.columns_used = bound.used
        self._compile(bound.tree)

    def bind(
        self, columns: Sequence[str], order: Sequence[int] | None = None, nested: frozenset[str] = frozenset()
    ) -> BoundTemplate:
        """Bind to a file's columns; `order` puts the cells of each row in the batch's order.

        Columns in `nested` hold several values, so they are no text by themselves. A column that the file lacks is
        in `missing` of what is returned.
        """
        return BoundTemplate(self, columns, order, nested)

    def notes(self) -> tuple[Fault, ...]:
        """Say what was assumed about the records so far."""
        if not self.dates.assumed:
            return ()
        words = f"times that name no zone were read as times in {self.dates.zone}"
        return (Fault("N-ZONE", words, "`dates: zone` of the feed sets it"),)

    def _tree(self) -> nodes.Template:
        return read_layout(self.layout.source, self.environment).tree

    def _compile(self, tree: nodes.Template) -> Template:
        tree.set_environment(self.environment)
        try:
            code = self.environment.compile(tree, filename=TEMPLATE_FILE)
        except TemplateSyntaxError as error:
            words = f"the template cannot be compiled: {error.message}"
            raise TemplateRefusedError(TemplateProblem("T-SYNTAX", error.lineno, words)) from error
        return self.environment.template_class.from_code(self.environment, code, {})

    def compiled(
        self,
        columns: Sequence[str],
        order: Sequence[int] | None,
        nested: frozenset[str],
        only: frozenset[int] | None = None,
    ) -> tuple[Bound, Template]:
        """Bind and compile; with `only`, the rows keep just those cells."""
        bound = bind(self._tree(), columns, self.feed, order=order, only=only, nested=nested)
        return bound, self._compile(bound.tree)

    def function(self, tree: nodes.Template) -> ColumnFunction:
        """Compile the function of one cell."""
        return ColumnFunction(self.environment, self._compile(tree))


class BoundTemplate:
    """A template bound to the columns of one file."""

    def __init__(
        self,
        template: FeedTemplate,
        columns: Sequence[str],
        order: Sequence[int] | None,
        nested: frozenset[str] = frozenset(),
    ) -> None:
        self._template, self._order, self._nested = template, order, nested
        self.columns = tuple(columns)
        self.bound, self._compiled = template.compiled(columns, order, nested)
        self.missing = self.bound.missing
        self.functions: dict[int, Callable[[str], str | Fault]] = {
            cell: self._function(cell, tree) for cell, tree in self.bound.single.items()
        }
        self._single: dict[frozenset[int], tuple[Bound, Template]] = {}

    @property
    def hanging(self) -> Mapping[str, frozenset[int]]:
        """Which of the file's columns (by position) the cell under each name of the header is made of."""
        return {self._template.header[cell]: found for cell, found in self.bound.hanging.items()}

    @property
    def grouped(self) -> bool:
        """Whether the rows come by groups of records."""
        return self.bound.grouped

    def rows(self, stream: Stream, failed: Failed) -> Iterator[Row]:
        """Give the rows of all records; one on which an expression fails goes to `failed(origins, faults, cells)`.

        With groupby the whole group fails.

        Raises:
            TemplateRefusedError: the template fails outside its loop over the records.
            RefusedFile: from the reader.
        """

        def told(error: Exception) -> None:
            records = stream.members if self.bound.grouped else (stream.cells,)
            failed(stream.group or self.origin(stream), self._diagnose(error, records), records)

        return self._start(self._compiled, self.bound, stream, (told, self._refuse))

    def grouped_rows(
        self, stream: Stream, failed: Failed
    ) -> Iterator[tuple[tuple[Origin, ...], tuple[Origin, ...], Row]]:
        """Yield (group, origins, row) with groupby.

        A group's rows are held until the group is through, so that a failure in it takes back all of them.
        """
        held: list[tuple[tuple[Origin, ...], tuple[Origin, ...], Row]] = []

        def taken_back(
            origins: tuple[Origin, ...], faults: tuple[Fault, ...], records: Sequence[Sequence[str]]
        ) -> None:
            held[:] = [one for one in held if one[0] is not origins]
            failed(origins, faults, records)

        for row in self.rows(stream, taken_back):
            if held and held[-1][0] is not stream.group:
                yield from held
                held.clear()
            held.append((stream.group, stream.at, row))
        yield from held

    def origin(self, stream: Stream) -> tuple[Origin, ...]:
        """Tell which records the row at hand comes from."""
        return stream.at if self.bound.grouped else ((stream.source.number, stream.source.line),)

    def cells_of(self, records: Sequence[Sequence[str]], only: frozenset[int]) -> tuple[Row, ...]:
        """Work out just some cells of one record or group (others ""), to find its orders or its failing cells.

        Raises:
            One of EXPRESSION_FAILURES.
        """
        if only not in self._single:
            self._single[only] = self._template.compiled(self.columns, self._order, self._nested, only)
        bound, compiled = self._single[only]
        return tuple(
            self._start(compiled, bound, Stream(_Few(self.columns, records), self.columns), (_raise, _raise))
        )

    def _start(
        self,
        compiled: Template,
        bound: Bound,
        stream: Stream,
        told: tuple[Callable[[Exception], None], Callable[[Exception], None]],
    ) -> Iterator[Row]:
        """Start the generator; `told` hear of failures on a record, and outside of the loop."""
        rows = stream if bound.grouped else stream.plain(bound.positions, wrapped=bound.wrapped)
        failed, broken = told
        names: dict[str, object] = {"rows": rows, "feed": self._template.feed, FAILURES: EXPRESSION_FAILURES}
        names.update({FAILED: failed, BROKEN: broken})
        return compiled.root_render_func(compiled.new_context(names))  # type: ignore[return-value]  # yields tuples, see layout.py

    def _function(self, cell: int, tree: nodes.Template) -> Callable[[str], str | Fault]:
        """The function of a cell that depends on one column: its text, or what is wrong with it."""
        function, name = self._template.function(tree), self._header()[cell]

        def answer(text: str) -> str | Fault:
            try:
                return function(text)
            except EXPRESSION_FAILURES as error:
                return record_fault(error, name, self._template.layout.source)

        return answer

    def _refuse(self, error: Exception) -> None:
        words = in_words(error, self._template.layout.source)
        words = f"the template fails outside its loop over the records: {words}"
        raise TemplateRefusedError(TemplateProblem("T-FAILED", template_line(error), words)) from error

    def _diagnose(self, error: Exception, records: Sequence[Sequence[str]]) -> tuple[Fault, ...]:
        """Name every cell that fails on the records at hand; else the line of the template that does."""
        source = self._template.layout.source
        if self._fails(records, frozenset()) is not None:
            return (record_fault(error, "", source),)
        found = ((name, self._fails(records, frozenset({cell}))) for cell, name in enumerate(self._header()))
        faults = dict.fromkeys(
            record_fault(failure, name, source) for name, failure in found if failure is not None
        )
        return tuple(faults) or (record_fault(error, "", source),)

    def _fails(self, records: Sequence[Sequence[str]], only: frozenset[int]) -> Exception | None:
        try:
            self.cells_of(records, only)
        except EXPRESSION_FAILURES as error:
            return error
        return None

    def _header(self) -> tuple[str, ...]:
        header = self._template.header
        return header if self._order is None else tuple(header[position] for position in self._order)


class _Few:
    """A source of the records at hand, once more."""

    notes: tuple[Fault, ...] = ()
    number = 0
    line = 0

    def __init__(self, columns: tuple[str, ...], records: Sequence[Sequence[str]]) -> None:
        self.columns, self._records = columns, records
        self.cells: list[str] = []

    def __iter__(self) -> Iterator[list[str]]:
        for cells in self._records:
            self.cells = list(cells)
            yield self.cells


def _raise(error: Exception) -> None:
    raise error
