"""What an answer says: bytes in, answers out. Pure, and never raises, whatever the bytes are.

impact.com does not publish what its receipts and results look like, so reading is lenient in form and strict
in meaning: what is not understood beyond doubt is `UNCLEAR`, with why, and a person reads it.

- A file called `receipt_…` says at most that a batch was taken; one called `result_…` must tell how many rows
  were refused.
- Of a mail, attached files of these names are read like files; without one its text is. Bounces (RFC 3464)
  are told apart; an auto-reply says nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.acks.base import Answer, Stage
from agent.acks.forms import mails, tables, trees
from agent.acks.forms.entries import UnreadableError, base_name, file_names, text_of
from agent.acks.forms.verdicts import answers, unclear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.acks.base import Kind
    from agent.acks.forms.entries import Entry
    from agent.acks.forms.mails import Mail, Report

__all__ = ["read"]

_OURS = re.compile(
    r"(receipt|result)_", re.IGNORECASE
)  # domain page, section 1.5: reserved for what comes back
_RECEIVED = (
    "data submission received"  # subject of the old FTP server's mail; good only with "Failure: False"
)
_LOOKED_THROUGH = 256 * 2**10  # characters of a text in which names are looked for
_NEUTRAL = re.compile(
    r"\b(?:no|0|zero|without(?: any)?) (?:errors?|failures?)\b|\b(?:errors?|failures?)\W{1,5}(?:0|no|none|false)\b"
)
_ALARMING = re.compile(
    r"\b(?:fail(?:ed|ure|s)?|errors?|reject(?:ed)?|invalid|denied|malformed|"
    r"(?:not|cannot|n't) (?:be )?(?:accepted|processed|received|read))\b"
)


def read(kind: Kind, name: str, content: bytes) -> tuple[Answer, ...]:
    """Return what an answer says: one `Answer` for each batch it speaks of, at least one.

    Args:
        kind: whether the content is a file or a whole mail.
        name: the file's name; of a mail it is not looked at.
        content: verbatim, as it was fetched.
    """
    return tuple(_file(name, content) if kind == "file" else _mail(content))


def _file(name: str, content: bytes) -> list[Answer]:
    name = base_name(name)
    prefix = _OURS.match(name)
    own = name[prefix.end() :] if prefix else ""
    receipt = bool(prefix) and name.lower().startswith("receipt")
    text = ""
    try:
        text = text_of(content)
        found = answers(_entries(text, content), receipt=receipt)
        if receipt and found[0].stage is Stage.TAKEN:
            _look_for_failure(text)
    except UnreadableError as error:
        found = [unclear(str(error))]
    mentioned = file_names(text[:_LOOKED_THROUGH])
    if len(found) > 1:
        return found
    return [_named(found[0], own, *([] if found[0].names else mentioned))]


def _entries(text: str, content: bytes) -> Iterator[Entry]:
    begun = text.lstrip()[:1]
    if begun in {"{", "["}:
        return trees.json_entries(text)
    if begun == "<":
        return trees.xml_entries(content)
    return tables.entries(text)


def _look_for_failure(text: str) -> None:
    """Make sure that a receipt in free words does not speak of a failure."""
    looked = text[:_LOOKED_THROUGH]
    for found in file_names(looked):
        looked = looked.replace(found, " ")
    if _ALARMING.search(_NEUTRAL.sub(" ", looked.lower())):
        raise UnreadableError("a receipt that seems to tell of a failure")


def _named(answer: Answer, *names: str) -> Answer:
    return replace(answer, names=tuple(dict.fromkeys(filter(None, (*answer.names, *names)))))


def _mail(content: bytes) -> list[Answer]:
    try:
        mail = mails.opened(content)
    except UnreadableError as error:
        return [unclear(str(error))]
    if mail.notice:  # it names batches, and says how they stand, but nobody at impact.com has said so
        return [unclear("a notice that the agent has written itself, or what was said to one")]
    if mail.report is not None:
        return [_bounced(mail, mail.report)]
    found = [answer for name, attached in mail.files if _OURS.match(name) for answer in _file(name, attached)]
    found = found or [_text(mail)]
    if len(found) == 1:  # what subject and text name belongs to none of several answers in particular
        found = [_named(found[0], *_mentioned(mail))]
    return [replace(answer, message_ids=mail.answers) for answer in found]


def _mentioned(mail: Mail) -> tuple[str, ...]:
    names = [*file_names(mail.subject), *file_names(mail.text), *(name for name, _ in mail.files)]
    return tuple(name for name in names if not _OURS.match(name))


def _text(mail: Mail) -> Answer:
    if mail.bounce:
        return unclear("it seems to be a bounce, in a form that is not understood")
    if mail.automatic:
        return unclear("an automatic reply, which says nothing about a batch")
    try:
        entries = list(tables.entries(mail.text))
        found = answers(entries, receipt=_RECEIVED in mail.subject.lower())
        failures = {entry.fields["failure"] for entry in entries if entry.fields.get("failure")}
    except UnreadableError as error:
        return unclear(str(error))
    if len(found) > 1:
        return unclear("it speaks of several files", *(answer.names[0] for answer in found))
    if _RECEIVED in mail.subject.lower() and not failures:
        return unclear("the server's mail does not say whether the file failed", *found[0].names)
    return found[0]


def _bounced(mail: Mail, report: Report) -> Answer:
    names = _mentioned(mail)
    actions = set(report.actions)
    words = f": {report.words}" if report.words else ""
    if "failed" in actions:
        return Answer(Stage.BOUNCED, names, mail.answers, remark=f"the mail came back{words}")
    if "delayed" in actions:
        return Answer(Stage.DELAYED, names, mail.answers, remark=f"the mail is not delivered yet{words}")
    if actions & {"delivered", "relayed", "expanded"}:
        remark = "it only says that the mail arrived, and nothing about the batch"
    else:
        remark = "a report of a mail server that says neither that the mail failed nor that it arrived"
    return Answer(Stage.UNCLEAR, names, mail.answers, remark=remark)
