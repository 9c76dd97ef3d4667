"""No template and no cell gets hold of the program behind it."""

from __future__ import annotations

import pytest

from agent.mapping.dates import DateReader
from agent.mapping.mapping import FeedTemplate
from agent.mapping.problems import TemplateRefusedError
from agent.mapping.records import Stream
from agent.model import Fault
from agent.settings.models import Dates, Numbers

COLUMNS = ("Name", "Code")
FEED = {"name": "refunds", "action_tracker_id": "16027"}


class Few:
    """A source of some records."""

    notes: tuple[Fault, ...] = ()

    def __init__(self, *records: list[str]) -> None:
        self.columns, self.records = COLUMNS, records
        self.number, self.line, self.cells = 0, 0, list[str]()

    def __iter__(self):
        for number, cells in enumerate(self.records, 1):
            self.number, self.line, self.cells = number, number + 1, cells
            yield cells


def run(source: str, *records: list[str]) -> tuple[list[tuple[str, ...]], list[Fault]]:
    """Give the rows, with the cells that were taken out worked out again, and the faults."""
    template = FeedTemplate(source, FEED, numbers=Numbers(), dates=DateReader(Dates()), reasons={})
    bound = template.bind(COLUMNS)
    if bound.missing:  # refused before the first record
        return [], list(bound.missing)
    faults: list[Fault] = []
    rows = []
    for row in bound.rows(Stream(Few(*records), COLUMNS), lambda _at, found, _cells: faults.extend(found)):
        cells = [
            bound.functions[index](cell) if index in bound.functions else cell
            for index, cell in enumerate(row)
        ]
        faults.extend(cell for cell in cells if isinstance(cell, Fault))
        if not any(isinstance(cell, Fault) for cell in cells):
            rows.append(tuple(cells))
    return rows, faults


ESCAPES = [
    "row.__class__",
    "row.__class__.__mro__[1].__subclasses__()",
    "row._cells",
    "row['__class__']",
    "row | attr('__class__')",
    "row | attr('_cells')",
    "row.Name.__class__.__base__.__subclasses__()",
    "''.__class__.__mro__",
    "''['__class__']",
    "'' | attr('__class__')",
    "'' | attr('__' ~ 'class__')",
    "[].append(1)",
    "{}.update({'a': 1})",
    "().__class__.__bases__[0].__subclasses__()[40]('/etc/passwd').read()",
    "self.__init__.__globals__",
    "self._TemplateReference__context",
    "feed.__class__.__init__",
    "feed['__class__']",
    "feed.update({'name': 'x'})",
    "feed.clear()",
    "feed.pop('name')",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "joiner.__init__.__globals__['os']",
    "namespace.__init__.__globals__",
    "lipsum.__globals__.os.popen('id').read()",
    "range.__self__",
    "range(10000000) | list | length",
    "dict.__subclasses__()",
    "dict.mro()",
    "'{0.__class__.__mro__}'.format(1)",
    "'{0.__class__}' | format(1)",
    "'%s' | format(row.Name.__class__)",
    "'{x.__class__}'.format_map({'x': 1})",
    "(''.format)('{0.__class__}').__self__.__class__",
    "row.Name.format.__globals__",
    "row | map(attribute='__class__') | list",
    "['a'] | map(attribute='__class__') | first",
    "['a'] | map('attr', '__class__') | first",
    "['a'] | groupby('__class__') | first",
    "['a'] | sort(attribute='__class__.__mro__') | first",
    "['a'] | sum(attribute='__class__', start='')",
    "['a'] | selectattr('__class__') | list | length",
    "(row.Name | amount).__init__",
    "loop.__init__.__globals__",
    "loop._iterator",
    "(x for x in [])",
    "row.Name if (lambda: 1)() else 2",
    "config.items()",
    "request.application.__globals__",
    "get_flashed_messages.__globals__",
    "__import__('os').system('id')",
    "open('/etc/passwd').read()",
    "' failures'.failures",
    "context.parent",
    "environment.globals",
    "[].__class__.__base__",
    "'a'.join.__self__.__class__",
    "caller.__globals__",
    "_cells",
    "row['Name'].encode().__class__",
    "[1] | random",
]  # what only runs long or grows large is the business of the process' limits, not of the sandbox
TELLTALE = ("<class", "<function", "<built-in", "<bound", "object at 0x", "root:", "uid=", "<module", "os.")


@pytest.mark.parametrize("payload", ESCAPES)
def test_no_way_out(payload: str) -> None:
    """An escape is refused at load, or costs the record a finding; no row carries anything of Python's inside."""
    source = f"A,B\n{{% for row in rows %}}\n{{{{ {payload} }}}},x\n{{% endfor %}}\n"
    try:
        rows, faults = run(source, ["1", "2"], ["3", "4"])
    except TemplateRefusedError:
        return
    assert (rows, {fault.code for fault in faults} <= {"E-HDRMISS", "T-FAILED", "T-UNDEFINED", "T-CELL"}) == (
        [],
        True,
    )
    assert faults
    words = " ".join(fault.words + fault.found for fault in faults)
    assert [one for one in TELLTALE if one in words] == []


@pytest.mark.parametrize(
    "cell",
    ["{{ 7 * 7 }}", "{% for x in y %}", "{# gone #}", "{{ row.__class__ }}", "${7*7}", "{0.__class__}", "%s"],
)
def test_cells_are_never_a_template(cell: str) -> None:
    """What stands in the file comes out as it stands, whatever it looks like."""
    cells = "{{ row.Name }},{{ row.Code | trim }},{{ row.Name ~ '/' ~ row.Code }}"
    source = "A,B,C\n{% for row in rows %}\n" + cells + "\n{% endfor %}\n"
    rows, faults = run(source, [cell, cell])
    assert (rows, faults) == ([(cell, cell, f"{cell}/{cell}")], [])


def test_a_cell_as_format_does_not_look_inside() -> None:
    """Even where the template takes a cell for a format, it reaches no attribute."""
    source = "A,B\n{% for row in rows %}\n{{ row.Name.format(row) }},x\n{% endfor %}\n"
    rows, faults = run(source, ["{0.__class__}", ""], ["{0._cells}", ""], ["plain", ""])
    assert (rows, [fault.code for fault in faults]) == ([("plain", "x")], ["T-FAILED", "T-FAILED"])


def test_the_feeds_variables_cannot_be_changed() -> None:
    """One record cannot leave something behind for the next."""
    change = "{% set other = feed %}{% set x = other.update({'name': row.Name}) %}\n"
    source = "A,B\n{% for row in rows %}\n" + change + "{{ feed.name }},x\n{% endfor %}\n"
    rows, faults = run(source, ["1", ""], ["2", ""])
    assert (rows, [fault.code for fault in faults]) == ([], ["T-FAILED", "T-FAILED"])
