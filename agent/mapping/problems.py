"""What can be wrong with a template, and with one value inside an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import AgentError

if TYPE_CHECKING:
    from agent.model import Fault


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
