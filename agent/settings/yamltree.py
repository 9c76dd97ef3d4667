"""YAML as a tree of texts with their places: the only YAML that settings may use.

Every scalar stays the text that stands in the file: `NO`, `012`, `1:30`, `2024-01-01` are texts here, and
what a field makes of its text its model says. Anchors, aliases, merges, tags, several documents and a key
written twice are mistakes; size, depth and number of values have bounds, so no file takes long. It is built
on the events of PyYAML's parser written in Python: the same places and words on every machine.
"""

from __future__ import annotations

import re

import yaml

from agent.settings.masks import by_look, by_name, hide_values
from agent.settings.problems import Page, Place, Span
from agent.settings.syntax import complaint, place_of
from agent.settings.tree import Broken, Mapping, Node, Scalar, Sequence

__all__ = ["LARGEST", "open_page", "plant"]

LARGEST = 2**20  # bytes
_DEEPEST = 20
_LONGEST = 10_000  # characters of one text
_MOST_VALUES = 20_000
# What YAML does not allow, and what editors and parsers do not agree about as a line end.
_UNREADABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_NO_ANCHOR = "write the value out where it is needed; a text that begins with & or * needs quotes"
_BACKSLASH = "a backslash needs single quotes round its text"
_NO_TAG = "take it out; a text that begins with ! needs quotes"


def open_page(file: str, content: bytes) -> Page:
    """Begin the page of a file; a mistake that leaves nothing to parse is noted on it.

    `file` is how the file is called in messages, `content` at least the first LARGEST + 1 bytes of it.
    """
    if len(content) > LARGEST:
        return _unusable(file, "C-SIZE", f"the file is larger than {LARGEST // 1024} KiB", "part it")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _unusable(file, "C-ENC", "the file is UTF-16", "save it as UTF-8")
    text = content.decode("utf-8-sig", errors="replace")
    page = Page(file, text)
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place(error.object[: error.start].decode(errors="replace"))
        page.say("C-ENC", place, "this sign is not UTF-8", "save the file as UTF-8")
    else:
        if found := _UNREADABLE.search(text):
            place = _place(text[: found.start()])
            page.say("C-SYNTAX", place, "an invisible sign stands here", "delete it and type the line anew")
    by_look(page)
    return page


def plant(page: Page) -> Node | None:
    """Parse a page; note mistakes, hide secrets. Return None where there is nothing to go on with."""
    if not page.sound:
        return None
    planting = _Planting(page)
    try:
        planting.run()
    except yaml.MarkedYAMLError as error:
        page.say(*complaint(error, page.lines))
        planting.root = None
    except (yaml.YAMLError, ValueError, OverflowError):  # it trips over numbers such as "\UFFFFFFFF"
        page.say("C-SYNTAX", planting.here(), "this cannot be read as YAML", _BACKSLASH)
        planting.root = None
    if planting.root is None:
        by_look(page)
    else:
        by_name(page, planting.root)
    return planting.root


def _unusable(file: str, code: str, words: str, mend: str) -> Page:
    page = Page(file, "")
    page.say(code, None, words, mend)
    return page


def _place(before: str) -> Place:
    """Return the place behind a text."""
    lines = re.split(r"\r\n|\r|\n", before)
    return Place(len(lines), len(lines[-1]) + 1)


class _Planting:
    """One run over the events of a page; without recursion, so that no depth of the text can break it."""

    def __init__(self, page: Page) -> None:
        self.root: Node | None = None
        self._page = page
        self._loader = yaml.SafeLoader(page.text)
        self._open: list[tuple[yaml.Event, list[Node]]] = []
        self._values = 0

    def here(self) -> Place:
        """Return where the parser stands."""
        return place_of(self._loader.get_mark())

    def run(self) -> None:
        """Take every event; the tree is in `root`, None where the file holds no value."""
        documents = 0
        while self._loader.check_event():
            event: yaml.Event = self._loader.get_event()  # type: ignore[no-untyped-call]
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    place = place_of(event.start_mark)
                    self._page.say("C-MULTI", place, "a second document begins here", "take the --- out")
                    return
            if not self._take(event):
                self.root = None
                return

    def _take(self, event: yaml.Event) -> bool:
        """Build on; return False when the file is refused as a whole."""
        match event:
            case yaml.ScalarEvent():
                span = _span(event)
                self._refuse_properties(event)
                self._put(self._scalar(span, event))
            case yaml.AliasEvent():
                self._put(self._alias(_span(event)))
            case yaml.CollectionStartEvent():
                self._refuse_properties(event)
                self._open.append((event, []))
            case yaml.CollectionEndEvent():
                begun, children = self._open.pop()
                self._put(_collection(self._page, begun, event, children))
        return self._within_bounds(event)

    def _alias(self, span: Span) -> Broken:
        self._page.say("C-ALIAS", span.start, "references to other places are not understood", _NO_ANCHOR)
        return Broken(span)

    def _scalar(self, span: Span, event: yaml.ScalarEvent) -> Scalar | Broken:
        if len(event.value) <= _LONGEST:
            return Scalar(span, event.value, plain=event.style is None)
        self._page.say("C-SIZE", span.start, f"a text is longer than {_LONGEST} characters", "shorten it")
        return Broken(span)

    def _put(self, node: Node) -> None:
        self._values += 1
        if self._open:
            self._open[-1][1].append(node)
        else:
            self.root = node

    def _within_bounds(self, event: yaml.Event) -> bool:
        place = place_of(event.start_mark)
        if len(self._open) > _DEEPEST:
            words = f"lists and keys are nested deeper than {_DEEPEST}"
            self._page.say("C-DEPTH", place, words, "flatten them")
        elif self._values > _MOST_VALUES:
            self._page.say("C-SIZE", place, f"the file holds more than {_MOST_VALUES} values", "part it")
        else:
            return True
        return False

    def _refuse_properties(self, event: yaml.NodeEvent) -> None:
        place = place_of(event.start_mark)
        if event.anchor is not None:
            words = "names for other places to refer to are not understood"
            self._page.say("C-ALIAS", place, words, _NO_ANCHOR)
        if getattr(event, "tag", None) is not None:
            self._page.say("C-TAG", place, "a type before a value is not understood", _NO_TAG)


def _span(event: yaml.Event) -> Span:
    return Span(place_of(event.start_mark), place_of(event.end_mark))


def _collection(page: Page, begun: yaml.Event, ended: yaml.Event, children: list[Node]) -> Node:
    last = children[-1].span.end if children else place_of(begun.end_mark)
    flow = getattr(begun, "flow_style", False)
    span = Span(place_of(begun.start_mark), place_of(ended.end_mark) if flow else last)
    if isinstance(begun, yaml.SequenceStartEvent):
        return Sequence(span, tuple(children))
    return _mapping(page, span, list(zip(children[::2], children[1::2], strict=True)))


def _mapping(page: Page, span: Span, pairs: list[tuple[Node, Node]]) -> Mapping:
    """Make a mapping of its pairs; keys that are no text, merges and repeated keys are told and set aside."""
    first: dict[str, tuple[Scalar, Node]] = {}
    aside: list[tuple[Scalar, Node]] = []
    for key, value in pairs:
        if not isinstance(key, Scalar):
            _refuse_key(page, key)
            aside.append((Scalar(key.span, "", plain=False), value))
        elif key.text == "<<" and key.plain:
            words = "taking keys over from another place is not understood"
            page.say("C-ALIAS", key.span.start, words, _NO_ANCHOR)
            aside.append((key, value))
        elif key.text in first:
            words = f"this key stands here twice, first in line {first[key.text][0].span.start.line}"
            page.say("C-KEYDUP", key.span.start, words, "keep one of them")
            aside.append((key, value))
        else:
            first[key.text] = (key, value)
    return Mapping(span, tuple(first.values()), tuple(aside))


def _refuse_key(page: Page, key: Node) -> None:
    by_name(page, key)  # it is in no tree, so nobody else hides what is in it
    hide_values(page, key)
    if not isinstance(key, Broken):  # an alias is told already
        mend = "if it is meant as text, such as {{ … }}, put it into quotes"
        page.say("C-TYPE", key.span.start, "a list or a mapping stands where a key should", mend)
