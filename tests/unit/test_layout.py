"""The rules of the house that a linter does not know: what lies where, how long, how named."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
LISTED = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "agent",
    "config",
    "pyproject.toml",
    "templates",
    "tests",
}
MADE = {  # by the tools, listed in .gitignore; never committed
    ".git",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
    "build",
    "dist",
}
MODULES = sorted(path for path in (TOP / "agent").rglob("*.py") if "__pycache__" not in path.parts)
TESTS = sorted(path for path in (TOP / "tests").rglob("*.py") if "__pycache__" not in path.parts)
LONGEST_MODULE, LONGEST_TEST_MODULE, LONGEST_FUNCTION = 300, 550, 40  # tests hold tables
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Words that fit everything, and two the glossary gives up for better ones.
EXCUSED = {"DATA_REFUSED"}  # sysexits.h calls it so: EX_DATAERR
FORBIDDEN = {
    "data",
    "info",
    "handle",
    "process",
    "manager",
    "util",
    "utils",
    "helper",
    "helpers",
    "inbox",
    "payload",
}
BROAD = {"Exception", "BaseException"}


def _short(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(_tree(path)) if isinstance(node, FUNCTIONS)]


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines; what stands above it (marks, a test's table of cases) is no part of it."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _words(name: str) -> set[str]:
    """Part a name into its words: `RowRules` → row, rules; `batch_name` → batch, name."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def _public_names(path: Path) -> set[str]:
    """Collect modules, classes, functions, fields and constants that do not begin with an underscore."""
    names = {part for part in path.relative_to(TOP).with_suffix("").parts if part != "__main__"}
    for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            names.add(node.name)
        if isinstance(node, ast.Module | ast.ClassDef):
            targets = [line.target for line in node.body if isinstance(line, ast.AnnAssign)]
            for line in node.body:
                targets += line.targets if isinstance(line, ast.Assign) else []
            names.update(target.id for target in targets if isinstance(target, ast.Name))
    return {name for name in names - EXCUSED if not name.startswith("_")}


def _handlers(path: Path) -> list[ast.ExceptHandler]:
    return [node for node in ast.walk(_tree(path)) if isinstance(node, ast.ExceptHandler)]


def _swallows(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler catches everything and does not end by raising it again."""
    last = handler.body[-1]
    raised_again = isinstance(last, ast.Raise) and last.exc is None
    return bool(_caught(handler) & BROAD) and not raised_again


def _caught(handler: ast.ExceptHandler) -> set[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {kind.id for kind in kinds if isinstance(kind, ast.Name)}


def _kept_texts() -> list[Path]:
    """Every text file of the tree that would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [TOP / name for name in listed.stdout.decode().split("\0") if name]
    else:  # a source distribution, or no git on this machine
        found = [path for name in LISTED for path in [TOP / name, *(TOP / name).rglob("*")]]
    wanted = {".py", ".md", ".toml", ".yaml", ".yml", ".j2", ".sql", ".sh", ".txt", ".html", ".json", ""}
    texts = (path for path in found if path.is_file() and path.suffix in wanted)
    return sorted(path for path in texts if "__pycache__" not in path.parts)


def _mentions(pattern: re.Pattern[str]) -> dict[str, list[str]]:
    found = {
        path: pattern.findall(path.read_text(encoding="utf-8", errors="replace")) for path in _kept_texts()
    }
    return {_short(path): sorted(set(places)) for path, places in found.items() if places}


def test_the_rules_are_read_from_a_real_tree():
    """The checks below walk real files; an empty walk would pass everything."""
    assert len(MODULES) > 10
    assert len(TESTS) > 5
    assert len(_kept_texts()) > len(MODULES)


def test_the_top_level_holds_only_what_is_listed():
    """Nothing new appears at the top without being named here."""
    found = {path.name for path in TOP.iterdir()} - MADE
    assert sorted(found - LISTED) == []
    assert sorted(LISTED - found) == []


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=_short)
def test_no_module_is_longer_than_a_person_reads(path):
    """A module has at most 300 lines; one of tests, with its tables, 550."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= (LONGEST_MODULE if path in MODULES else LONGEST_TEST_MODULE)


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=_short)
def test_no_function_is_longer_than_a_screen(path):
    """A function has at most 40 lines, its docstring included."""
    lengths = {node.name: _length(node) for node in _functions(path)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_one_broad_except_and_it_is_the_engines():
    """Everything else catches what it can name, or tidies up and raises again."""
    broad = [_short(path) for path in MODULES for handler in _handlers(path) if _swallows(handler)]
    assert broad == ["agent/engine.py"]


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=_short)
def test_no_bare_except(path):
    """`except:` catches what nobody meant to catch."""
    assert [handler.lineno for handler in _handlers(path) if handler.type is None] == []


@pytest.mark.parametrize("path", MODULES, ids=_short)
def test_public_names_say_what_they_mean(path):
    """No name is made of a word that fits everything, nor of one the glossary gives up for another."""
    used = {name: sorted(_words(name) & FORBIDDEN) for name in _public_names(path)}
    assert {name: words for name, words in used.items() if words} == {}


@pytest.mark.parametrize("path", MODULES, ids=_short)
def test_every_module_says_what_it_is_for(path):
    """A module begins with its one job."""
    assert ast.get_docstring(_tree(path))


@pytest.mark.parametrize("path", TESTS, ids=_short)
def test_every_test_says_what_must_hold(path):
    """A test's docstring is its promise, in words."""
    tests = [node for node in _functions(path) if node.name.startswith("test_")]
    assert [node.name for node in tests if not ast.get_docstring(node)] == []


def test_no_file_names_a_place_on_one_machine():
    """Texts hold for every machine: no home folder, no workplace, no scratch path of whoever wrote them."""
    assert _mentions(re.compile(r"(?<![\w.}])/(?:home|Users|root|work|opt|tmp)/\w+")) == {}


def test_no_file_holds_a_mark_of_unfinished_work():
    """What is not done is not in the tree: it is an open question elsewhere."""
    # In pieces, as this file is looked through as well.
    assert _mentions(re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")) == {}
