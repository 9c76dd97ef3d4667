"""From template text to a tree whose every batch line is one tuple of cells.

The template looks like the CSV it makes: literal commas part the cells, the first line is the header. This module
knows nothing of any source file; binding to its columns is the next step (`columns.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from agent.mapping.loops import stream_of, stream_problems
from agent.mapping.problems import TemplateProblem, TemplateRefusedError
from agent.mapping.vocabulary import unknown_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2.compiler import Frame

Cell = list[nodes.Expr]

_WHOLE = "a batch row must stand whole on its line, inside one block"
_INLINE = 'write a choice inside a cell as {{ "a" if … else "b" }}, and put {% … %} on lines of their own'
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from … import",
    nodes.Extends: "extends",
    nodes.Block: "block",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.EvalContextModifier: "autoescape",
    nodes.ScopedEvalContextModifier: "autoescape",
}


# What the generated code calls from its context; with a blank before it, so that no template can name it.
FAILURES = " failures"  # the exceptions that one record may cause
FAILED = " failed"  # called with one of them
BROKEN = " broken"  # called with one that arose outside of the loop over the records; raises


class RowCodeGenerator(CodeGenerator):
    """Writes a line of cells as `yield (a, b, …)`, and keeps a failure within its record.

    Everything else is ordinary Jinja, but nothing is worked out while compiling: that happens where settings are
    checked, outside of the limited process.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guards: dict[int, str] = {}  # bodies whose failures are told, and to whom

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 - Jinja's visitor name
        """Tell what fails outside of the loop over the records, where there is one."""
        if any(stream_of(loop) is not None for loop in node.find_all(nodes.For)):
            self._guards[id(node.body)] = BROKEN
        super().visit_Template(node, frame)

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802 - Jinja's visitor name
        """Yield one native tuple for an output that is a row, else do as Jinja does."""
        if frame.buffer is None and len(node.nodes) == 1 and isinstance(node.nodes[0], nodes.Tuple):
            self.writeline("yield (", node)
            for cell in node.nodes[0].items:
                self.visit(cell, frame)
                self.write(", ")
            self.write(")")
            return
        super().visit_Output(node, frame)

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802 - Jinja's visitor name
        """Remember which loop reads the records."""
        if stream_of(node) is not None:
            self._guards[id(node.body)] = FAILED
        super().visit_For(node, frame)

    def blockvisit(self, body: Iterable[nodes.Node], frame: Frame) -> None:
        """Let what fails be told; on one record, go on with the next."""
        if (told := self._guards.get(id(body))) is None:
            super().blockvisit(body, frame)
            return
        self.writeline("try:")
        self.indent()
        super().blockvisit(body, frame)
        self.outdent()
        self.writeline(f"except context.parent[{FAILURES!r}] as failure:")
        self.indent()
        self.writeline(f"context.parent[{told!r}](failure)")
        self.outdent()

    def _output_child_to_const(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class RowEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox in which row templates run; lines of batch rows become tuples."""

    code_generator_class = RowCodeGenerator


def row_environment() -> RowEnvironment:
    """Make the environment all row templates share: sandboxed, strict about what is missing, without chance."""
    environment = RowEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        optimized=False,
        cache_size=0,
    )
    del environment.globals["lipsum"], environment.filters["random"]
    return environment


@dataclass(frozen=True, slots=True)
class Layout:
    """A template whose lines are understood: its header and its tree (rows are Output nodes of one Tuple)."""

    source: str
    header: tuple[str, ...]
    header_line: int
    tree: nodes.Template


def read_layout(source: str, environment: RowEnvironment) -> Layout:
    """Understand a template's text.

    Raises:
        TemplateRefusedError: with every mistake that could be found.
    """
    text = source.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.endswith("\n"):
        text += "\n"
    try:
        tree = environment.parse(text)
    except TemplateSyntaxError as error:
        problem = TemplateProblem("T-SYNTAX", error.lineno, f"the template cannot be read: {error.message}")
        raise TemplateRefusedError(problem) from error
    lines = _RowLines()
    tree = lines.visit(_ExactNumbers().visit(tree))
    problems = [*lines.problems, *stream_problems(tree), *unknown_names(tree, environment)]
    if lines.header is None:
        problems.append(
            TemplateProblem("T-LAYOUT", 1, "there is no header line", "begin with the batch's columns")
        )
    elif not lines.rows and not problems:
        problems.append(
            TemplateProblem("T-LAYOUT", lines.header_line, "there is no line that makes a batch row")
        )
    if problems or lines.header is None:
        raise TemplateRefusedError(*sorted(problems, key=lambda problem: problem.line))
    return Layout(text, lines.header, lines.header_line, tree)


class _ExactNumbers(NodeTransformer):
    """A number with decimals in the template's text is the decimal number it looks like."""

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if not isinstance(node.value, float):
            return node
        text = nodes.Const(format(Decimal(repr(node.value)), "f"), lineno=node.lineno)
        return nodes.Filter(text, "float", [], [], None, None, lineno=node.lineno)


class _RowLines(NodeTransformer):
    """Turn each output line into one row; keep the first as the header."""

    def __init__(self) -> None:
        self.header: tuple[str, ...] | None = None
        self.header_line = 1
        self.rows = 0
        self.problems: list[TemplateProblem] = []
        self._per_record = False  # inside the loop over the records

    def generic_visit(self, node: nodes.Node, *args: object, **kwargs: object) -> nodes.Node:
        if (name := _REFUSED.get(type(node))) is not None:
            self._refuse(node, "T-LAYOUT", f"{{% {name} %}} is not available in a row template")
            return node
        return super().generic_visit(node, *args, **kwargs)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:  # noqa: N802 - Jinja's visitor name
        return node  # what a macro puts out is text for a cell

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.AssignBlock:  # noqa: N802 - Jinja's visitor name
        return node  # the same

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if node.recursive:
            self._refuse(node, "T-LAYOUT", "a recursive loop is not available in a row template")
        if stream_of(node) is None:
            return self.generic_visit(node)
        node.body, self._per_record = self._all(node.body, per_record=True), False
        node.else_ = self._all(node.else_, per_record=False)
        return node

    def _all(self, body: list[nodes.Node], *, per_record: bool) -> list[nodes.Node]:
        self._per_record = per_record
        return [made for node in body for made in self.visit_list(node)]

    def visit_Output(self, node: nodes.Output) -> list[nodes.Output]:  # noqa: N802 - Jinja's visitor name
        made: list[nodes.Output] = []
        for line, cells in self._lines_of(node):
            if self.header is None:
                self._take_header(line, cells)
            elif len(cells) != len(self.header):
                words = f"this row has {len(cells)} cells, the header has {len(self.header)} columns"
                self.problems.append(TemplateProblem("T-COLS", line, words, "literal commas part the cells"))
            elif not self._per_record:
                mend = "put it between {% for row in rows %} and its {% endfor %}"
                words = "this row stands outside the loop over the records"
                self.problems.append(TemplateProblem("T-LAYOUT", line, words, mend))
            else:
                self.rows += 1
                row = nodes.Tuple([self._cell(cell, line) for cell in cells], "load", lineno=line)
                made.append(nodes.Output([row], lineno=line))
        return made

    def _take_header(self, line: int, cells: list[Cell]) -> None:
        names = []
        for cell in cells:
            if any(not isinstance(part, nodes.TemplateData) for part in cell):
                self.problems.append(
                    TemplateProblem("T-LAYOUT", line, "the first line must be the header, in plain text")
                )
            names.append(
                "".join(part.data for part in cell if isinstance(part, nodes.TemplateData)).strip().strip('"')
            )
        self.header, self.header_line = tuple(names), line

    def _lines_of(self, node: nodes.Output) -> list[tuple[int, list[Cell]]]:
        lines: list[tuple[int, list[Cell]]] = []
        cells: list[Cell] = [[]]
        number = node.lineno
        for part in node.nodes:
            number = part.lineno
            if not isinstance(part, nodes.TemplateData):
                cells[-1].append(part)
                continue
            for index, text in enumerate(part.data.split("\n")):
                if index:
                    lines.append((number, cells))
                    cells = [[]]
                    number += 1
                _add_text(cells, text, number)
        if not _blank(cells):
            self.problems.append(TemplateProblem("T-LAYOUT", number, _WHOLE, _INLINE))
        return [(line, found) for line, found in lines if not _blank(found)]

    def _cell(self, cell: Cell, line: int) -> nodes.Expr:
        parts = _trimmed(cell)
        if parts and any(
            isinstance(part, nodes.Const) and '"' in str(part.value) for part in (parts[0], parts[-1])
        ):
            mend = "take the quotes out: the agent quotes what needs it"
            self.problems.append(TemplateProblem("T-QUOTE", line, "a cell is quoted by hand", mend))
        if not parts:
            return nodes.Const("", lineno=line)
        return parts[0] if len(parts) == 1 else nodes.Concat(parts, lineno=line)

    def _refuse(self, node: nodes.Node, code: str, words: str) -> None:
        self.problems.append(TemplateProblem(code, node.lineno, words))


def _add_text(cells: list[Cell], text: str, line: int) -> None:
    for index, piece in enumerate(text.split(",")):
        if index:
            cells.append([])
        if piece:
            cells[-1].append(nodes.TemplateData(piece, lineno=line))


def _blank(cells: list[Cell]) -> bool:
    return len(cells) == 1 and all(
        isinstance(part, nodes.TemplateData) and not part.data.strip() for part in cells[0]
    )


def _trimmed(cell: Cell) -> list[nodes.Expr]:
    """Literal text becomes constants, without the blanks at the cell's edges (indentation, a space after a comma)."""
    parts: list[nodes.Expr] = []
    for index, part in enumerate(cell):
        if not isinstance(part, nodes.TemplateData):
            parts.append(part)
            continue
        text = part.data.lstrip() if index == 0 else part.data
        text = text.rstrip() if index == len(cell) - 1 else text
        if text:
            parts.append(nodes.Const(text, lineno=part.lineno))
    return parts
