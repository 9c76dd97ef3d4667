"""What an expression that failed on a record did, in words, without values from the file."""

from __future__ import annotations

import re

from jinja2 import TemplateRuntimeError
from jinja2.exceptions import SecurityError, UndefinedError

from agent.mapping.problems import BadValueError
from agent.model import Fault

_LOOKED_UP = re.compile(r"(.*) has no (attribute|element) (.*)", re.DOTALL)  # as Jinja says it


def record_fault(error: Exception, column: str, template: str) -> Fault:
    """Say what is wrong with a record on which an expression failed.

    Args:
        error: what the expression raised.
        column: the cell concerned, "" if it is not known.
        template: the template's text.
    """
    if isinstance(error, BadValueError):
        fault = error.fault
        words = f"{column or 'a value'} {fault.words}"
        return Fault(fault.code, words, fault.mend, fault.found, fault.field or column)
    words = f"the template fails on this record in line {template_line(error)}: {in_words(error, template)}"
    return Fault("T-UNDEFINED" if isinstance(error, UndefinedError) else "T-FAILED", words, "", "", column)


def in_words(error: Exception, template: str) -> str:
    """What happened, without values from the file: what was looked up in vain is named if the template names it."""
    if isinstance(error, SecurityError):
        return "it does something that templates may not do"
    if isinstance(error, BadValueError):
        return f"a value {error.fault.words}"
    if isinstance(error, UndefinedError | TemplateRuntimeError):
        return _LOOKED_UP.sub(lambda found: _in_vain(found, template), str(error))
    return {
        "ZeroDivisionError": "a division by zero",
        "TypeError": "an expression mixes things that do not go together",
        "ValueError": "a value is not what a function expects",
        "RecursionError": "a macro calls itself without end",
    }.get(type(error).__name__, type(error).__name__)


def _in_vain(found: re.Match[str], template: str) -> str:
    owner, what, name = found.groups()
    words = "the record has no column" if owner.endswith("Record object'") else f"{owner} has no {what}"
    written = re.escape(name.strip("'"))
    return f"{words} {name}" if re.search(rf"(?<!\w){written}(?!\w)", template) else f"{words} of that name"


def template_line(error: Exception) -> int:
    """The template's line in which an error arose, 1-based; 1 where it cannot be told."""
    line = 1
    trace = error.__traceback__
    while trace is not None:
        named = trace.tb_frame.f_globals
        if "__jinja_exception__" in named:  # Jinja has put a frame with the template's own line in its place
            line = trace.tb_lineno
        elif (compiled := named.get("__jinja_template__")) is not None:
            line = compiled.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
