"""Which templates are taken, and which are refused with what code at which line."""

from __future__ import annotations

import pytest

from agent.mapping.dates import DateReader
from agent.mapping.layout import read_layout, row_environment
from agent.mapping.mapping import FeedTemplate
from agent.mapping.problems import TemplateRefusedError
from agent.settings.models import Dates, Numbers

FEED = {"name": "refunds", "action_tracker_id": "16027"}
HEAD = "ActionTrackerID,Oid,Amount\n"
LOOP = "{% for row in rows %}\n"
END = "{% endfor %}\n"
ROW = "1,{{ row.Name }},2\n"


def template(source: str) -> FeedTemplate:
    """Read a template as a feed does."""
    return FeedTemplate(source, FEED, numbers=Numbers(), dates=DateReader(Dates()), reasons={})


def in_loop(*lines: str) -> str:
    """A sound template with these lines in its loop; the first of them is line 3."""
    return HEAD + LOOP + "".join(f"{line}\n" for line in lines) + END


REFUSED = {
    "empty": ("", "T-LAYOUT", 1, "no header"),
    "only a comment": ("{# nothing #}\n", "T-LAYOUT", 1, "no header"),
    "no header": (LOOP + "{{ row.a }},{{ row.b }}\n" + END, "T-LAYOUT", 2, "first line must be the header"),
    "header with an expression": (
        "a,{{ feed.name }}\n" + LOOP + "1,2\n" + END,
        "T-LAYOUT",
        1,
        "in plain text",
    ),
    "no row": (HEAD + LOOP + END, "T-LAYOUT", 1, "no line that makes"),
    "a cell too few": (in_loop("1,{{ row.Name }}"), "T-COLS", 3, "has 2 cells, the header has 3"),
    "a cell too many": (in_loop("", "1,{{ row.Name }},2,"), "T-COLS", 4, "has 4 cells"),
    "a row over two blocks": (in_loop("1,{% if row.a %}2{% endif %},3"), "T-LAYOUT", 3, "stand whole"),
    "a choice inside a row": (
        in_loop("1,{{ row.a }},", "{% if row.b %}x{% else %}y{% endif %}"),
        "T-LAYOUT",
        4,
        "stand whole",
    ),
    "a row closed by its loop": (HEAD + LOOP + "1,2,{{ row.a }}{% endfor %}\n", "T-LAYOUT", 3, "stand whole"),
    "line ends stripped": (in_loop("1,2,{{ row.a -}}", "1,2,3"), "T-COLS", 4, "has 5 cells"),
    "line end of a row stripped": (HEAD + LOOP + ROW + "{%- endfor %}\n", "T-LAYOUT", 3, "stand whole"),
    "line end of the header stripped": (
        HEAD + "{%- for row in rows %}\n" + ROW + END,
        "T-LAYOUT",
        1,
        "stand whole",
    ),
    "quoted cell": (in_loop('1,"{{ row.Name }}",2'), "T-QUOTE", 3, "quoted by hand"),
    "quoted text": (in_loop('1,"a",{{ row.Name }}'), "T-QUOTE", 3, "quoted by hand"),
    "row before the loop": (
        HEAD + "1,2,3\n" + in_loop(ROW.strip())[len(HEAD) :],
        "T-LAYOUT",
        2,
        "outside the loop",
    ),
    "row after the loop": (in_loop(ROW.strip()) + "1,2,3\n", "T-LAYOUT", 5, "outside the loop"),
    "row in the loop's else": (
        HEAD + LOOP + ROW + "{% else %}\n1,2,3\n" + END,
        "T-LAYOUT",
        5,
        "outside the loop",
    ),
    "row in another loop": (
        in_loop(ROW.strip()) + "{% for x in [1, 2] %}\n1,2,{{ x }}\n{% endfor %}\n",
        "T-LAYOUT",
        6,
        "outside the loop",
    ),
    "rows never read": (HEAD + "{% if feed.name %}\n{% endif %}\n", "T-ROWS", 1, "never reads"),
    "rows read twice": (in_loop(ROW.strip()) + LOOP + ROW + END, "T-ROWS", 5, "more than once"),
    "rows read beside its loop": (
        HEAD + "{% set first = rows %}\n" + LOOP + ROW + END,
        "T-ROWS",
        3,
        "more than once",
    ),
    "rows sorted": (HEAD + "{% for row in rows | sort %}\n" + ROW + END, "T-ROWS", 2, "only be looped over"),
    "rows as a list": (
        HEAD + "{% for row in rows | list %}\n" + ROW + END,
        "T-ROWS",
        2,
        "only be looped over",
    ),
    "rows selected": (
        HEAD + '{% for row in rows | selectattr("a") %}\n' + ROW + END,
        "T-ROWS",
        2,
        "only be looped over",
    ),
    "rows counted": (HEAD + "{% set n = rows | length %}\n", "T-ROWS", 2, "only be looped over"),
    "rows unpacked": (HEAD + "{% for a, b in rows %}\n1,2,{{ a }}\n" + END, "T-ROWS", 2, "takes one name"),
    "rows in another loop": (
        HEAD + "{% for x in [1] %}\n" + LOOP + ROW + END + END,
        "T-ROWS",
        3,
        "inside another loop",
    ),
    "rows in a macro": (
        HEAD + "{% macro m() %}\n" + LOOP + ROW + END + "{% endmacro %}\n",
        "T-ROWS",
        3,
        "inside another loop",
    ),
    "group without a column": (
        HEAD + "{% for a, b in rows | groupby %}\n1,2,{{ a }}\n" + END,
        "T-ROWS",
        2,
        "name of one column",
    ),
    "group by an expression": (
        HEAD + "{% for a, b in rows | groupby(feed.name) %}\n1,2,{{ a }}\n" + END,
        "T-ROWS",
        2,
        "name of one column",
    ),
    "group with one name": (
        HEAD + '{% for g in rows | groupby("a") %}\n1,2,{{ g.grouper }}\n' + END,
        "T-ROWS",
        2,
        "takes two names",
    ),
    "loop.last": (in_loop("{% if loop.last %}", ROW.strip(), "{% endif %}"), "T-LOOP", 3, "looks ahead"),
    "loop.length": (in_loop("1,{{ row.a }},{{ loop.length }}"), "T-LOOP", 3, "looks ahead"),
    "loop.nextitem": (in_loop("1,{{ row.a }},{{ loop.nextitem.b }}"), "T-LOOP", 3, "looks ahead"),
    "loop handed on": (in_loop("{% set l = loop %}", ROW.strip()), "T-LOOP", 3, "can be asked for"),
    'loop["last"]': (in_loop('1,{{ row.a }},{{ loop["last"] }}'), "T-LOOP", 3, "can be asked for"),
    "loop with a condition": (
        HEAD + "{% for row in rows if row.a %}\n1,2,{{ loop.index }}\n" + END,
        "T-LOOP",
        2,
        "has a condition",
    ),
    "recursive": (HEAD + "{% for row in rows recursive %}\n" + ROW + END, "T-LAYOUT", 2, "recursive loop"),
    "recursive inside": (
        in_loop("{% for x in [1] recursive %}", ROW.strip(), "{% endfor %}"),
        "T-LAYOUT",
        3,
        "recursive loop",
    ),
    "include": (in_loop(ROW.strip(), '{% include "x" %}'), "T-LAYOUT", 4, "{% include %}"),
    "import": (HEAD + '{% import "x" as x %}\n' + LOOP + ROW + END, "T-LAYOUT", 2, "{% import %}"),
    "from import": (HEAD + '{% from "x" import y %}\n' + LOOP + ROW + END, "T-LAYOUT", 2, "import %}"),
    "extends": ('{% extends "x" %}\n' + in_loop(ROW.strip()), "T-LAYOUT", 1, "{% extends %}"),
    "block": (in_loop("{% block b %}", ROW.strip(), "{% endblock %}"), "T-LAYOUT", 3, "{% block %}"),
    "filter block": (
        in_loop("{% filter upper %}", ROW.strip(), "{% endfilter %}"),
        "T-LAYOUT",
        3,
        "{% filter %}",
    ),
    "call block": (
        HEAD
        + "{% macro m() %}{% endmacro %}\n"
        + in_loop("{% call m() %}", "x", "{% endcall %}")[len(HEAD) :],
        "T-LAYOUT",
        4,
        "{% call %}",
    ),
    "autoescape": (
        in_loop("{% autoescape true %}", ROW.strip(), "{% endautoescape %}"),
        "T-LAYOUT",
        3,
        "{% autoescape %}",
    ),
    "record overwritten": (in_loop("{% set row = 1 %}", ROW.strip()), "T-LAYOUT", 3, "'row' stands for"),
    "feed overwritten": (in_loop("{% set feed = 1 %}", ROW.strip()), "T-LAYOUT", 3, "'feed' stands for"),
    "feed variable unknown": (
        in_loop("{{ feed.action_traker_id }},{{ row.a }},1"),
        "T-VARIABLE",
        3,
        "did you mean 'action_tracker_id'?",
    ),
    "feed variable in brackets": (
        in_loop('1,{{ row.a }},{{ feed["zzz"] }}'),
        "T-VARIABLE",
        3,
        "no variable 'zzz'",
    ),
    "unclosed expression": (in_loop("1,{{ row.Name,2"), "T-SYNTAX", 4, "cannot be read"),
    "unclosed loop": (HEAD + LOOP + ROW, "T-SYNTAX", 3, "cannot be read"),
    "unknown tag": (in_loop("{% forr x %}", ROW.strip()), "T-SYNTAX", 3, "unknown tag"),
    "unknown filter": (in_loop("1,{{ row.Name | amuont }},2"), "T-SYNTAX", 3, "amuont"),
    "unknown test": (in_loop("1,{{ row.Name is numbr }},2"), "T-SYNTAX", 3, "numbr"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    """The mistake is named with its code and its line in the template."""
    source, code, line, words = REFUSED[case]
    with pytest.raises(TemplateRefusedError) as refused:
        template(source)
    problems = refused.value.problems
    assert line == problems[0].line
    assert any(words in str(problem) for problem in problems if (problem.code, problem.line) == (code, line))


@pytest.mark.parametrize(
    "line",
    [
        "1,{{ row.a | amuont if row.a else 0 }},2",
        "1,{{ 1 if row.a is numbr else 0 }},2",
        "{% if row.a %}\n1,{{ row.a | amuont }},2\n{% endif %}",
    ],
)
def test_unknown_filter_in_a_branch_is_refused(line: str) -> None:
    """A misspelt filter or test is found when settings are checked, in a branch as well."""
    with pytest.raises(TemplateRefusedError):
        template(in_loop(line))


def test_autoescape_beside_another_mistake() -> None:
    """Both are told: the tag's own line is known."""
    with pytest.raises(TemplateRefusedError) as refused:
        template(in_loop("{% autoescape true %}", "{% endautoescape %}", "1,2"))
    found = [(problem.line, problem.code) for problem in refused.value.problems]
    assert found == [(3, "T-LAYOUT"), (5, "T-COLS")]


def test_all_mistakes_are_told_at_once() -> None:
    """Mistakes come together, in the order of their lines."""
    source = in_loop("1,2", '1,"{{ row.a }}",3', "1,2,3,4") + "1,2,3\n"
    with pytest.raises(TemplateRefusedError) as refused:
        template(source)
    found = [(problem.line, problem.code) for problem in refused.value.problems]
    assert found == [(3, "T-COLS"), (4, "T-QUOTE"), (5, "T-COLS"), (7, "T-LAYOUT")]


ACCEPTED = {
    "plain": in_loop(ROW.strip()),
    "comments": "{# one -#}\n{#- two\nlines -#}\n" + in_loop("{# here, too #}", ROW.strip(), "{# a, b -#}"),
    "indentation": in_loop("    1, {{ row.Name }} ,\t2  "),
    "blank lines": "\n\n" + HEAD + "\n" + LOOP + "\n" + ROW + "\n   \n" + END + "\n",
    "line ends of Windows": in_loop(ROW.strip()).replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + in_loop(ROW.strip()),
    "no line end at the end": in_loop(ROW.strip()).rstrip(),
    "whitespace control": "{#- x -#}\n" + HEAD + "{% for row in rows -%}\n\n  " + ROW + "{% endfor -%}\n",
    "inline if": in_loop('1,{{ "x,y" if row.Name == "x,y" else row.Name }},2'),
    "commas in expressions": in_loop('1,{{ row.Name | replace("#", "") }},{{ [2, 3, 4][0] }}'),
    "if": in_loop("{% if row.Name %}", ROW.strip(), "{% else %}", "9,9,9", "{% endif %}"),
    "set": in_loop("{% set name = row.Name %}", "1,{{ name }},2"),
    "set as a block": in_loop("{% set name %}", "{{ row.Name }}", "{%- endset %}", "1,{{ name | trim }},2"),
    "macro": "{% macro cut(x) %}{{ x | trim }}{% endmacro %}\n" + in_loop("1,{{ cut(row.Name) }},2"),
    "nested loop": in_loop("{% for n in [2] %}", "1,{{ row.Name }},{{ n }}", "{% endfor %}"),
    "group": HEAD + '{% for name, lines in rows | groupby("Name") %}\n1,{{ name }},2\n' + END,
    "condition": HEAD + "{% for row in rows if row.Name %}\n" + ROW + END,
    "quotes within a text": in_loop('1,{{ row.Name }},2 {{ "" }}'),
    "header in quotes": '"ActionTrackerID","Oid","Amount"\n' + LOOP + ROW + END,
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(case: str) -> None:
    """The header is what the author wrote, whatever stands around it."""
    assert template(ACCEPTED[case]).header == ("ActionTrackerID", "Oid", "Amount")


def test_columns_used_are_told_before_any_file() -> None:
    """A feed can say which columns its template asks for."""
    source = in_loop('1,{{ row.Name }},{{ row["Lineitem sku"] | default(row.SKU | d("")) }}')
    assert template(source).columns_used == {"Name", "Lineitem sku", "SKU"}


def test_lines_of_the_layout() -> None:
    """The header's line is known, comments and blank lines before it counted."""
    assert read_layout("{# x #}\n\n" + in_loop(ROW.strip()), row_environment()).header_line == 3
