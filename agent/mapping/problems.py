"""What can be wrong with a template, and with one value inside an expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2.exceptions import SecurityError, TemplateRuntimeError, UndefinedError

from agent.errors import AgentError

if TYPE_CHECKING:
    from agent.model import Fault


_LOOKED_UP = re.compile(
    r"(?P<owner>.*) has no (?P<what>attribute|element) (?P<name>.*)", re.DOTALL
)  # as Jinja says it


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """One mistake in a template, at a line of its text (1-based)."""

    code: str
    line: int
    words: str
    mend: str = ""

    def __str__(self) -> str:
        tail = f"; {self.mend}" if self.mend else ""
        return f"line {self.line}: {self.code} {self.words}{tail}"


class TemplateRefusedError(AgentError):
    """The template cannot be used; `problems` are all its mistakes that could be found."""

    def __init__(self, *problems: TemplateProblem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class BadValueError(ValueError):
    """Raised by a filter: one value of one record cannot be used."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.words)


def in_words(error: Exception, written: str) -> str:
    """What happened, without values from the file.

    Args:
        error: what the template raised.
        written: the template's text: a name that was looked up in vain is told only if it stands there.
    """
    if isinstance(error, SecurityError):
        return "it does something that templates may not do"
    if isinstance(error, BadValueError):
        return f"a value {error.fault.words}"
    if isinstance(error, UndefinedError | TemplateRuntimeError):
        return _LOOKED_UP.sub(lambda found: _in_vain(found, written), str(error))
    return {
        "ZeroDivisionError": "a division by zero",
        "TypeError": "an expression mixes things that do not go together",
        "ValueError": "a value is not what a function expects",
        "RecursionError": "a macro calls itself without end",
    }.get(type(error).__name__, type(error).__name__)


def _in_vain(found: re.Match[str], written: str) -> str:
    owner, name = found["owner"], found["name"].strip("'")
    what = (
        "the record has no column" if owner.endswith("Record object'") else f"{owner} has no {found['what']}"
    )
    known = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", written)
    return f"{what} {found['name']}" if known else f"{what} of that name"
