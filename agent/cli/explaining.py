"""The command explain: what a code of a finding means and how to mend it. Needs no settings, no network, no ledger."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import click
import yaml

from agent.cli import console
from agent.cli.common import json_option
from agent.codes import CODES
from agent.feedback.cells import SEVERITY_WORDS
from agent.feedback.wording import WIDTH, fold
from agent.settings.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CONSEQUENCES = {  # what a letter says, where it is more than the weight
    "Q": "Set aside unread: a person decides",
    "D": "Held: a person decides",
    "T": "The template is wrong, or fails on a record: not sent",
    "C": "The settings are wrong: they are not used",
}
_GAP = 2  # columns between a code and its title


@click.command()
@click.argument("code", required=False)
@json_option
def explain(code: str | None, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Explain the CODE of a finding: what happened, why, how to mend it. Without CODE: list them all."""
    name = _known(code) if code else ""
    if as_json:
        told = page(name) if name else [page(one) for one in CODES]
        console.print_json(told)
    else:
        click.echo("\n".join(_page_lines(name) if name else _list_lines()))


def page(code: str) -> Mapping[str, str]:
    """Return all that is told of a code; what does not exist is empty.

    Raises:
        KeyError: there is no such code.
    """
    known, more = CODES[code], _pages().get(code, {})
    return {
        "code": code,
        "severity": known.severity.value,
        "means": _CONSEQUENCES.get(code[0], SEVERITY_WORDS[known.severity]),
        "title": known.title,
        "about": " ".join(filter(None, (known.about, more.get("why", "")))),
        "mend": more.get("mend", ""),
        "example": more.get("example", ""),
    }


def _pages() -> Mapping[str, Mapping[str, str]]:
    text = files("agent").joinpath("pages.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    pages: Mapping[str, Mapping[str, str]] = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe
    return pages


def _known(code: str) -> str:
    """Return the code that is meant, in any spelling of its letters.

    Raises:
        click.BadParameter: there is none; with the nearest that there is.
    """
    plain = code.strip().upper().replace("_", "-")
    if plain in CODES:
        return plain
    behind = [one for one in CODES if one[2:] == plain]
    if len(behind) == 1:
        return behind[0]
    meant = nearest(plain, list(CODES)) or (behind[0] if behind else "")
    guess = f"did you mean {meant}? " if meant else ""
    raise click.BadParameter(
        f"there is no code {code!r}; {guess}`impact-agent explain` lists all", param_hint="CODE"
    )


def _page_lines(code: str) -> Iterator[str]:
    told = page(code)
    yield from fold(f"{code}: {told['title']}", WIDTH)
    yield told["means"]
    if told["about"]:
        yield ""
        yield from fold(told["about"], WIDTH)
    if told["mend"]:
        yield ""
        yield from fold(f"How to mend it: {told['mend']}", WIDTH)
    if told["example"]:
        yield ""
        yield "For example:"
        yield from (f"  {line}".rstrip() for line in told["example"].splitlines())


def _list_lines() -> Iterator[str]:
    width = max(map(len, CODES)) + _GAP
    for code, known in CODES.items():
        first, *more = fold(known.title, WIDTH - width)
        yield f"{code:{width}}{first}"
        yield from (" " * width + line for line in more)
