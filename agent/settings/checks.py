"""What no single model can see: whether files, feeds, destinations, templates and folders fit each other.

Works on the texts as they stand, not on models, so that a feed with another mistake is looked at as well.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.errors import SettingsError
from agent.settings.problems import Problem, listed, nearest, shown
from agent.settings.shipped import find_template
from agent.settings.tree import Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from agent.settings.problems import Page
    from agent.settings.tree import Node

__all__ = ["destinations_known", "names_differ", "no_shared_tree", "templates_found"]

Sheet = tuple["Page", "Node | None"]


def names_differ(feeds: Iterable[Sheet]) -> None:
    """Look that no two feeds have one name: they would share a folder."""
    first: dict[str, Page] = {}
    for page, root in feeds:
        name = _text(root, "name")
        if name is None:
            continue
        other = first.setdefault(name.text, page)
        if other is not page:
            words = f"the feed {shown(name.text)} is there already, in {other.file}"
            page.say("C-NAMEDUP", name.span.start, words, "give each feed a name of its own")


def destinations_known(feeds: Iterable[Sheet], known: Collection[str]) -> None:
    """Look that feeds name only destinations that agent.yaml has."""
    for page, root in feeds:
        wanted = _text(root, "destination")
        if wanted is None or wanted.text in known:
            continue
        meant = nearest(wanted.text, known)
        mend = (
            f"did you mean {shown(meant)}?"
            if meant
            else f"agent.yaml has {listed(known)}"
            if known
            else "agent.yaml has none"
        )
        page.say("C-REF", wanted.span.start, f"destination {shown(wanted.text)} is unknown", mend)


def templates_found(feeds: Iterable[Sheet], folder: Path) -> None:
    """Look that every template, layout and table named by a feed is there."""
    for page, root in feeds:
        for named in (_text(root, "template"), _text(root, "layout"), *_texts(root, "tables")):
            if named is not None and named.text:
                _find(page, named, folder)


def no_shared_tree(page: Page, root: Node | None, folder: Path) -> None:
    """Look that none of three folders is inside another: what is dropped is never settings or state."""
    trees = [("the folder of agent.yaml", os.path.realpath(folder))]
    for key in ("drop", "state"):
        named = _text(root, key)
        if named is None or not named.text or named.text.startswith("~"):
            continue
        try:
            real = os.path.realpath(folder / named.text)
        except ValueError:  # a sign that no path can have, told with the value
            continue
        for other, tree in trees:
            if os.path.commonpath((real, tree)) in {real, tree}:
                words = f"{key}: {shown(named.text)} and {other} are inside one another"
                page.say("C-TREE", named.span.start, words, "give each a tree of its own")
        trees.append((f"'{key}'", real))


def _find(page: Page, named: Scalar, folder: Path) -> None:
    try:
        find_template(named.text, folder)
    except SettingsError as error:
        for problem in error.problems:
            if isinstance(problem, Problem):
                page.say(problem.code, named.span.start, problem.words, problem.mend)


def _text(root: Node | None, key: str) -> Scalar | None:
    """Return the text behind a key at the top of a file, if one is written there."""
    entries = root.entries if isinstance(root, Mapping) else ()
    found = next((value for name, value in entries if name.text == key), None)
    return found if isinstance(found, Scalar) and not found.nothing else None


def _texts(root: Node | None, key: str) -> list[Scalar]:
    """Return the texts behind the keys below a key at the top of a file."""
    entries = root.entries if isinstance(root, Mapping) else ()
    found = next((value for name, value in entries if name.text == key), None)
    below = found.entries if isinstance(found, Mapping) else ()
    return [value for _, value in below if isinstance(value, Scalar) and not value.nothing]
