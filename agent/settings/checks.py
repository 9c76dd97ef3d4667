"""What no single model can see: whether files, feeds, destinations, templates and folders fit each other.

Works on the texts as they stand, not on models, so that a feed with another mistake is looked at as well.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.errors import SettingsError
from agent.settings.problems import Problem, listed, nearest, shown
from agent.settings.shipped import find_template
from agent.settings.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as MappingOf
    from pathlib import Path

    from agent.settings.problems import Page
    from agent.settings.tree import Node

__all__ = [
    "destinations_known",
    "names_differ",
    "no_shared_tree",
    "sources_differ",
    "templates_found",
    "ways_differ",
]

Sheet = tuple["Page", "Node | None"]
_CARRIES_BACK = "sftp"  # the type of destinations that answers can be fetched through
_PLACES = (
    "type",
    "folder",
    "through",
    "directory",
    "host",
    "username",
    "mailbox",
)  # what tells sources apart


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


def ways_differ(page: Page, root: Node | None) -> None:
    """Look that no two ways to tell people have one name: what each has told is known by it."""
    found, seen = _value(root, "notices"), set()
    for way in found.items if isinstance(found, Sequence) else ():
        named = _text(way, "name") or _text(way, "type")
        if named is not None and named.text in seen:
            words = f"there is a way to tell people called {shown(named.text)} already"
            page.say("C-NAMEDUP", named.span.start, words, "give each a 'name' of its own")
        seen |= {named.text} if named is not None else set()


def sources_differ(page: Page, root: Node | None) -> None:
    """Look that no two sources of acknowledgements are one place: only the first one would be asked."""
    seen = set()
    for source in _sources(root):
        named = [(key, found) for key in _PLACES if (found := _text(source, key))]
        place = tuple((key, found.text) for key, found in named)
        if place in seen:
            mend = "write it once; 'for' may name several destinations, or be left out"
            page.say("C-NAMEDUP", named[0][1].span.start, "this place is among the sources already", mend)
        if place:
            seen.add(place)


def destinations_known(main: Sheet, feeds: Iterable[Sheet]) -> None:
    """Look that feeds and sources of acknowledgements name only destinations that agent.yaml has."""
    page, root = main
    known = _destinations(root)
    if known is None:
        return
    for sheet, tree in feeds:
        wanted = _text(tree, "destination")
        if wanted is not None:
            _known(sheet, wanted, known)
    for source in _sources(root):
        for wanted in _texts(source, "for"):
            _known(page, wanted, known)
        through = _text(source, "through")
        if through is None or not _known(page, through, known):
            continue
        if known[through.text] not in {_CARRIES_BACK, ""}:
            words = f"destination {shown(through.text)} is of type {shown(known[through.text])}"
            mend = f"answers are fetched only through one of type {_CARRIES_BACK}"
            page.say("C-REF", through.span.start, words, mend)


def _known(page: Page, wanted: Scalar, known: MappingOf[str, str]) -> bool:
    if wanted.text in known:
        return True
    meant = nearest(wanted.text, known)
    others = f"agent.yaml has {listed(known)}" if known else "agent.yaml has none"
    mend = f"did you mean {shown(meant)}?" if meant else others
    page.say("C-REF", wanted.span.start, f"destination {shown(wanted.text)} is unknown", mend)
    return False


def _destinations(root: Node | None) -> dict[str, str] | None:
    """Return the type of each destination by its name, faulty ones included; None where that cannot be told."""
    found = _value(root, "destinations")
    if not isinstance(found, Mapping):
        return None
    kinds = ((key.text, _text(value, "type")) for key, value in found.entries)
    return {name: kind.text if kind else "" for name, kind in kinds}


def _sources(root: Node | None) -> Iterator[Node]:
    found = _value(root, "acknowledgements")
    yield from found.items if isinstance(found, Sequence) else ()


def _texts(root: Node, key: str) -> Iterator[Scalar]:
    """Yield the texts behind a key, of which there may be one or a list."""
    found = _value(root, key)
    items = found.items if isinstance(found, Sequence) else (found,)
    yield from (item for item in items if isinstance(item, Scalar) and not item.nothing)


def templates_found(feeds: Iterable[Sheet], folder: Path) -> None:
    """Look that every template, layout and table named by a feed is there."""
    for page, root in feeds:
        for named in (_text(root, "template"), _text(root, "layout"), *_texts_below(root, "tables")):
            if named is not None and named.text:
                _find(page, named, folder)


def no_shared_tree(page: Page, root: Node | None, folder: Path) -> None:
    """Look that none of three folders is inside another: what is dropped is never settings or state.

    Nor may a folder that is delivered to be inside one of them: what is sent would be taken in again, or worse.
    """
    trees = [("the folder of agent.yaml", os.path.realpath(folder))]
    for key in ("drop", "state"):
        if (named := _text(root, key)) and (real := _real(folder, named)):
            _apart(page, key, named, real, trees)
            trees.append((f"'{key}'", real))
    for named in _delivered_to(root):
        if real := _real(folder, named):
            _apart(page, "directory", named, real, trees)


def _apart(page: Page, key: str, named: Scalar, real: str, trees: Iterable[tuple[str, str]]) -> None:
    for other, tree in trees:
        if os.path.commonpath((real, tree)) in {real, tree}:
            words = f"{key}: {shown(named.text)} and {other} are inside one another"
            page.say("C-TREE", named.span.start, words, "give each a tree of its own")


def _real(folder: Path, named: Scalar) -> str:
    """Return where a path leads; "" where it is none, which is told with the value."""
    if not named.text or named.text.startswith("~"):
        return ""
    try:
        return os.path.realpath(folder / named.text)
    except ValueError:  # a sign that no path can have
        return ""


def _delivered_to(root: Node | None) -> Iterator[Scalar]:
    """Yield the directories of destinations that are folders of this machine."""
    entries = root.entries if isinstance(root, Mapping) else ()
    for name, destinations in entries:
        if name.text == "destinations" and isinstance(destinations, Mapping):
            for _, destination in destinations.entries:
                kind, directory = _text(destination, "type"), _text(destination, "directory")
                if kind and directory and kind.text == "folder" and directory.text.startswith("/"):
                    yield directory  # any other is told with the value


def _find(page: Page, named: Scalar, folder: Path) -> None:
    try:
        find_template(named.text, folder)
    except SettingsError as error:
        for problem in error.problems:
            if isinstance(problem, Problem):
                page.say(problem.code, named.span.start, problem.words, problem.mend)


def _text(root: Node | None, key: str) -> Scalar | None:
    """Return the text behind a key of a mapping, if one is written there."""
    found = _value(root, key)
    return found if isinstance(found, Scalar) and not found.nothing else None


def _value(root: Node | None, key: str) -> Node | None:
    entries = root.entries if isinstance(root, Mapping) else ()
    return next((value for name, value in entries if name.text == key), None)


def _texts_below(root: Node | None, key: str) -> list[Scalar]:
    """Return the texts behind the keys that stand behind a key."""
    found = _value(root, key)
    below = found.entries if isinstance(found, Mapping) else ()
    return [value for _, value in below if isinstance(value, Scalar) and not value.nothing]
