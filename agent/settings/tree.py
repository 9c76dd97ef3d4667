"""What a settings file is made of once it is parsed: texts, lists and mappings, each with its place. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.settings.problems import Span

__all__ = ["Broken", "Mapping", "Node", "Scalar", "Sequence", "plain", "scalars"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as written; `plain` when it stands without quotes."""

    span: Span
    text: str
    plain: bool = True

    @property
    def nothing(self) -> bool:
        """Whether no value was written; an empty text is written "" and is a value."""
        return self.plain and self.text in {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    span: Span
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys, each once, and their values; `repeats` are the keys written again."""

    span: Span
    entries: tuple[tuple[Scalar, Node], ...]
    repeats: tuple[tuple[Scalar, Node], ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """Something whose mistake is told already; nothing more is to be said about it."""

    span: Span


Node = Scalar | Sequence | Mapping | Broken


def scalars(node: Node) -> Iterator[Scalar | Broken]:
    """Yield every text in a tree, keys included."""
    match node:
        case Mapping():
            for key, value in (*node.entries, *node.repeats):
                yield key
                yield from scalars(value)
        case Sequence():
            for item in node.items:
                yield from scalars(item)
        case _:
            yield node


def plain(node: Node) -> object:
    """Return a tree as Python's own values, every scalar a text."""
    match node:
        case Scalar():
            return node.text
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key.text: plain(value) for key, value in node.entries}
        case _:
            return None
