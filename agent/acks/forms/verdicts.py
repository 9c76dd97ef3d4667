"""What the entries of one answer say about each file they speak of. Pure.

Only what can be recognised counts, and everything must fit together: an answer that contradicts itself, or
leaves open how many rows were refused, is unclear. "Complete" does not mean clean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.acks.base import Answer, Refusal, Stage
from agent.acks.forms.entries import UnreadableError, folded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.acks.forms.entries import Entry

__all__ = ["answers", "unclear"]

_MOST = 100_000  # refusals that are kept
_CODES = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*(?: [A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)*")
_NUMBER = re.compile(r"[0-9]{1,12}")
_TAKEN = {"queued", "inprogress", "received", "accepted", "pending", "processing", "submitted", "taken"}
_DONE = {"complete", "completed", "processed", "done", "finished", "ok", "success", "successful"}
_FAILED = {"failed", "failure", "error", "rejected", "invalid"}
_ROW = {"validation": "Validation", "contracterror": "Contract Error"}
_OF_A_ROW = ("line", "order", "sku")


@dataclass(slots=True)
class _File:
    """What was said so far about one file."""

    said: set[str] = field(default_factory=set)  # folded states of the whole file
    counts: dict[str, set[str]] = field(default_factory=lambda: {"records": set(), "refused": set()})
    failures: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    rows: int = 0  # refused rows that were listed
    lines: set[int] = field(default_factory=set)  # theirs
    all_lined: bool = True  # each of them had a line


def answers(entries: Iterable[Entry], *, receipt: bool) -> list[Answer]:
    """Return one answer for each file that the entries speak of; one without a name where they name none.

    Raises:
        UnreadableError: they do not fit together.
    """
    files: dict[str, _File] = {}
    for entry in entries:
        if not entry.inner or entry.fields:
            _take(files.setdefault(entry.file, _File()), entry)
    unnamed = files.get("")
    if unnamed and len(files) > 1:
        if unnamed.rows or unnamed.counts["refused"] or unnamed.counts["records"]:
            raise UnreadableError(
                "it speaks of several files, and of rows of which it does not say whose they are"
            )
        del files[""]
    return [_judged(name, found, receipt=receipt) for name, found in (files or {"": _File()}).items()]


def unclear(words: str, *names: str) -> Answer:
    """Return an answer that a person must read."""
    return Answer(Stage.UNCLEAR, tuple(dict.fromkeys(filter(None, names))), remark=words)


def _take(found: _File, entry: Entry) -> None:
    fields = entry.fields
    for name, values in found.counts.items():
        values.update([fields[name]] if fields.get(name) else [])
    found.failures.update([fields["failure"].casefold()] if fields.get("failure") else [])
    states = {folded(state) for state in entry.statuses}
    counted = any(fields.get(name) for name in found.counts)
    if any(fields.get(name) for name in _OF_A_ROW):
        _take_row(found, entry, states, counted=counted)
        states = states - _ROW.keys() if counted else set()
    elif fields.get("code") or fields.get("reason"):
        raise UnreadableError("it gives a reason without saying for which row")
    found.said |= states


def _take_row(found: _File, entry: Entry, states: set[str], *, counted: bool) -> None:
    """Take one row of a list; `counted`: the counts of the whole file stand beside it, and so may its status."""
    fields = entry.fields
    code, reason = fields.get("code", ""), fields.get("reason", "")
    if reason and not code and ("amount" in fields or "quantity" in fields):
        raise UnreadableError("it repeats our own rows: what stands under Reason may be ours")
    if states - _ROW.keys() - _FAILED - _DONE - _TAKEN:
        raise UnreadableError("a row has a status that is not known")
    bad = bool(states & (_ROW.keys() | _FAILED)) and not (counted and not states & _ROW.keys())
    told = bool(code or reason or fields.get("words"))
    if not bad and not counted and states:
        if code or reason:
            raise UnreadableError("a row is said to be in order, and has a reason")
        return
    if not bad and not code and not (told and fields.get("line")):
        raise UnreadableError("it lists rows, and it is not clear what it says of them")
    _refuse(found, fields.get("line", ""), entry, code or reason)


def _refuse(found: _File, line: str, entry: Entry, reason: str) -> None:
    if line and not _NUMBER.fullmatch(line):
        raise UnreadableError("a row's line is no number")
    number = int(line) if line else None
    found.rows += 1
    found.all_lined = found.all_lined and number is not None
    if number is not None:
        found.lines.add(number)
    if len(found.refusals) >= _MOST:
        return
    code = reason if _CODES.fullmatch(reason) else ""
    words = entry.fields.get("words", "")
    if not code and reason:
        words = f"{reason}: {words}" if words else reason
    status = next((_ROW[state] for state in map(folded, entry.statuses) if state in _ROW), "")
    fields = entry.fields
    found.refusals.append(
        Refusal(number, fields.get("order", ""), fields.get("sku", ""), code, status, words)
    )


def _judged(name: str, found: _File, *, receipt: bool) -> Answer:
    names = (name,) if name else ()
    try:
        records, refused = _count(found, "records"), _count(found, "refused")
        taken = _taken(found, receipt=receipt)
        if not taken:
            return _processed(names, found, records, refused)
    except UnreadableError as error:
        return unclear(str(error), *names)
    if receipt and (refused or found.rows):
        return unclear("a receipt that tells of errors", *names)
    return Answer(Stage.TAKEN, names, records=records, remark=taken)


def _taken(found: _File, *, receipt: bool) -> str:
    """Say in words why a file counts as no more than taken; "" where it may be processed."""
    if found.said & _FAILED or _failure(found):
        raise UnreadableError("it says that the file as a whole failed")
    if receipt:
        return "a receipt"
    if found.said - _TAKEN - _DONE:
        raise UnreadableError("it has a status that is not known")
    if found.said & _TAKEN and found.said & _DONE:
        raise UnreadableError("it says of the same file that it is done and that it is not")
    return "taken, and not done yet" if found.said & _TAKEN else ""


def _processed(names: tuple[str, ...], found: _File, records: int | None, refused: int | None) -> Answer:
    """Judge a file that is not said to be on its way; raise UnreadableError where the counts do not fit."""
    listed = len(found.lines) if found.all_lined else found.rows  # one row may have several errors
    if refused is None and not found.rows:
        done = "it is said to be done, but not" if found.said else "nothing in it says"
        raise UnreadableError(f"{done} how many rows were refused")
    if refused is not None and listed > refused:
        raise UnreadableError(f"it counts {refused} errors and lists {listed}")
    total = listed if refused is None else refused
    if records is not None and total > records:
        raise UnreadableError(f"it counts more errors ({total}) than records ({records})")
    missing = f"; it names {listed or 'none'} of them" if listed < total else ""
    remark = f"processed, {total} refused{missing}"
    return Answer(Stage.PROCESSED, names, (), records, total, tuple(found.refusals), remark)


def _count(found: _File, name: str) -> int | None:
    texts = found.counts[name]
    if not all(_NUMBER.fullmatch(text) for text in texts):
        raise UnreadableError("a count in it is no number")
    numbers = {int(text) for text in texts}
    if len(numbers) > 1:
        raise UnreadableError("its counts contradict each other")
    return numbers.pop() if numbers else None


def _failure(found: _File) -> bool:
    if found.failures - {"true", "false"} or len(found.failures) > 1:
        raise UnreadableError("it says neither that the file failed nor that it did not")
    return "true" in found.failures
