"""A tree of texts fitted to a model: forms, unknown keys and secrets are seen here, pydantic does the rest.

What is told here is left out of what pydantic gets, and what pydantic says about it again is dropped: each
mistake is told once, at the key or the value that is to blame. A single text is understood where a list is
asked for, and a list of texts where a mapping is whose values may be left out.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from agent.settings.leaves import Wrong, bare, holds, read
from agent.settings.masks import REFERENCES, hide_all, hide_secret, resembles_secret
from agent.settings.models import Secret
from agent.settings.problems import listed, nearest, shown
from agent.settings.secrets import CODE as SECRET_REFERENCE
from agent.settings.secrets import misnamed
from agent.settings.tree import Broken, Mapping, Node, Scalar, Sequence, plain
from agent.settings.wording import causes, said

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from collections.abc import Mapping as MappingOf

    from pydantic_core import ErrorDetails

    from agent.settings.kinds import Family, Kinds
    from agent.settings.models import Model
    from agent.settings.problems import Page, Place

__all__ = ["Fitting"]

Loc = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)
_KEPT = "{credential: NAME}, {file: PATH} and {env: NAME}"
_CLEAR = f"write one of {_KEPT}, and change the secret, as it stood in a file"
_NO_VALUE = 'write one behind it, "" for an empty text, or leave the key out'


class _ToldError(Exception):
    """The mistake is told; the value is to be left out."""


class Fitting:
    """One model's stretch of a page; `fit` makes what pydantic needs, `validated` a model of it.

    `title` names the whole stretch in words, `owner` is the key it stands behind (None: it is a whole file),
    `kinds` are the models chosen by a word behind `type`.
    """

    def __init__(self, page: Page, kinds: Kinds, title: str, owner: Scalar | None = None) -> None:
        self._places: dict[Loc, Node] = {}
        self._page = page
        self._kinds = kinds
        self._title = title
        self._keys: dict[Loc, Scalar] = {(): owner} if owner else {}
        self._told: set[Loc] = set()
        self._sound = True

    def fit(self, node: Node, model: type[BaseModel], without: Collection[str] = ()) -> dict[str, object]:
        """Return the values of a mapping that a model may be made of; the mistakes seen so far are noted.

        `without`: fields that the file may not set.
        """
        try:
            return self._fields(node, model, (), without)
        except _ToldError:
            self._told.add(())
            return {}

    def validated(self, model: type[M], values: MappingOf[str, object]) -> M | None:
        """Return the model, or None when there are mistakes; those not told yet are noted."""
        try:
            made = model.model_validate(values)
        except ValidationError as wrong:
            for error in causes(wrong.errors(include_url=False)):
                self._tell(error)
            return None
        return made if self._sound else None

    def _fields(
        self, node: Node, model: type[BaseModel], loc: Loc, without: Collection[str] = ()
    ) -> dict[str, object]:
        fields = model.model_fields.items()
        known = {field.alias or name: field for name, field in fields if name not in without}
        self._places[loc] = node
        mapping = self._mapping(node, loc, known)
        values: dict[str, object] = {}
        strays = list(mapping.repeats)
        for key, value in mapping.entries:
            if field := known.get(key.text):
                form = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
                self._put(values, key, value, form, loc)
            else:
                self._unknown(key, known)
                strays.append((key, value))
        secretive = any(holds(field.annotation, Secret) for field in known.values())
        for key, value in strays:
            if secretive or (not self._page.full and resembles_secret(key.text)):
                hide_all(self._page, value)
        return values

    def _put(self, values: dict[str, object], key: Scalar, value: Node, form: object, loc: Loc) -> None:
        inner = (*loc, key.text)
        self._keys[inner] = key
        try:
            values[key.text] = self._fit(value, form, inner)
        except _ToldError:
            self._told.add(inner)

    def _fit(self, node: Node, form: object, loc: Loc) -> object:
        self._places[loc] = node
        form, own = bare(form)
        if isinstance(node, Broken):
            raise _ToldError
        if get_origin(form) in (Union, UnionType) and not own:
            branches = [branch for branch in get_args(form) if branch is not NoneType]
            if len(branches) < len(get_args(form)) and isinstance(node, Scalar) and node.nothing:
                return None
            return self._fit(node, branches[0], loc) if len(branches) == 1 else plain(node)
        if isinstance(node, Scalar) and node.nothing:
            self._refuse("C-MISSING", loc, "has no value", _NO_VALUE)
        return self._fit_one(node, form, loc, own=own)

    def _fit_one(self, node: Node, form: object, loc: Loc, *, own: bool) -> object:
        kind = get_origin(form) or form
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self._fit_model(node, kind, loc)
        if kind is dict:
            return self._dict(node, form, loc)
        if kind in (tuple, list, frozenset):
            return self._items(node, form, loc)
        return plain(node) if kind is Any else self._leaf(node, form, loc, own=own)

    def _fit_model(self, node: Node, model: type[BaseModel], loc: Loc) -> object:
        if issubclass(model, Secret):
            return self._secret(node, loc)
        if isinstance(node, Scalar) and "preset" in model.model_fields:
            return {"preset": node.text}
        family = self._kinds.family(model)
        return self._chosen(node, model, family, loc) if family else self._fields(node, model, loc)

    def _dict(self, node: Node, form: object, loc: Loc) -> dict[str, object]:
        value_form = get_args(form)[1]
        if NoneType in get_args(value_form) and isinstance(node, Scalar | Sequence):
            return {str(name): None for name in self._items(node, tuple[str, ...], loc) if name is not None}
        values: dict[str, object] = {}
        for key, value in self._mapping(node, loc).entries:
            self._put(values, key, value, value_form, loc)
        return values

    def _items(self, node: Node, form: object, loc: Loc) -> list[object]:
        if isinstance(node, Mapping):
            self._refuse("C-TYPE", loc, "must be a list", "write it as [one, another], or each behind a '- '")
        items: list[object] = []
        for item in node.items if isinstance(node, Sequence) else (node,):
            inner = (*loc, len(items))
            try:
                items.append(self._fit(item, get_args(form)[0], inner))
            except _ToldError:
                items.append(None)
                self._told.add(inner)
        return items

    def _leaf(self, node: Node, form: object, loc: Loc, *, own: bool) -> object:
        if not isinstance(node, Scalar):
            words = "must be a single value, not a list or keys"
            self._refuse("C-TYPE", loc, words, "write one value behind the key")
        try:
            return read(node.text, str if own else form)
        except Wrong as wrong:
            self._refuse(wrong.code, loc, wrong.words, wrong.mend)

    def _chosen(self, node: Node, base: type[BaseModel], family: Family, loc: Loc) -> BaseModel:
        """Return one of a family by its type; where it has mistakes, one that only stands for its place."""
        stand_in = base.model_construct(type="")
        types = [value for key, value in self._mapping(node, loc, ("type",)).entries if key.text == "type"]
        kind = self._kind(types[0], family, (*loc, "type")) if types else None
        if not types:
            words = f"{self._name(loc)} needs the key 'type'"
            self._say("C-MISSING", self._owner(loc), words, _known(family))
        if kind is None:
            self._hide_fields(node)
            return stand_in
        inner = Fitting(self._page, self._kinds, self._name(loc), self._keys.get(loc))
        return inner.validated(kind, inner.fit(node, kind)) or stand_in

    def _kind(self, node: Node, family: Family, loc: Loc) -> type[Model] | None:
        self._places[loc] = node
        name = node.text if isinstance(node, Scalar) else ""
        if name not in family.models:
            meant = nearest(name, family.models)
            words = f"{self._value(loc)} is not a {family.words}"
            mend = f"did you mean '{meant}'?" if meant else _known(family)
            self._say("C-VALUE", node.span.start, words, mend)
        return family.models.get(name)

    def _hide_fields(self, node: Node) -> None:
        """Hide what stands in something of unknown kind: any of it may be a secret."""
        for key, value in node.entries if isinstance(node, Mapping) else ():
            if key.text != "type":
                hide_all(self._page, value)

    def _secret(self, node: Node, loc: Loc) -> dict[str, str]:
        """Return the one reference of a secret; nothing that stands here is ever shown or quoted."""
        hide_secret(self._page, node)
        if not isinstance(node, Mapping):
            self._refuse("C-SECRET", loc, "stands here in clear text", _CLEAR)
        kept: dict[str, str] = {}
        for key, value in node.entries:
            if key.text not in REFERENCES and not nearest(key.text, REFERENCES):
                self._refuse("C-SECRET", loc, "stands here in clear text, or is no reference", _CLEAR)
            elif key.text not in REFERENCES:
                self._unknown(key, REFERENCES)
                raise _ToldError
            self._keys[*loc, key.text] = key
            kept[key.text] = self._reference(key.text, value, (*loc, key.text))
        if len(kept) != 1:
            words = "must be kept in one place, not several" if kept else "does not say where it is kept"
            self._refuse(SECRET_REFERENCE, loc, words, f"write one of {_KEPT}")
        return kept

    def _reference(self, kind: str, node: Node, loc: Loc) -> str:
        self._places[loc] = node
        text = node.text if isinstance(node, Scalar) and not node.nothing else ""
        words, _, mend = ("has no value" if not text else misnamed(kind, text)).partition("; ")
        if words:
            self._refuse(SECRET_REFERENCE, loc, words, mend)
        return text

    def _mapping(self, node: Node, loc: Loc, known: Iterable[str] = ()) -> Mapping:
        if isinstance(node, Broken):
            raise _ToldError
        if not isinstance(node, Mapping):
            some = f", such as {', '.join(list(known)[:3])}" if known else ""
            mend = "write them on the lines below, indented"
            self._refuse("C-TYPE", loc, f"must have keys of its own{some}", mend)
        return node

    def _unknown(self, key: Scalar, known: Collection[str]) -> None:
        meant = "" if self._page.full else nearest(key.text, known)
        mend = f"did you mean '{meant}'?" if meant else f"the keys here are {listed(known)}"
        words = "this key" if self._page.hides(key.span.start) else f"the key {shown(key.text)}"
        self._say("C-UNKNOWN", key.span.start, f"{words} is unknown here", mend)

    def _refuse(self, code: str, loc: Loc, words: str, mend: str) -> NoReturn:
        node = self._places[loc]
        nothing = isinstance(node, Scalar) and node.nothing
        place = self._owner(loc) if nothing else node.span.start
        self._say(code, place, f"{self._value(loc)} {words}", mend)
        raise _ToldError

    def _tell(self, error: ErrorDetails) -> None:
        """Note what pydantic found, unless it follows from something told already."""
        loc = error["loc"]
        if any(loc[:length] in self._told for length in range(len(loc) + 1)):
            return
        if error["type"] == "missing":
            words = f"{self._name(loc[:-1])} needs the key {shown(str(loc[-1]))}"
            self._say("C-MISSING", self._owner(loc[:-1]), words)
            return
        words, mend = said(error)
        if loc[-1:] == ("[key]",) and (key := self._keys.get(loc[:-1])):
            self._say("C-VALUE", key.span.start, f"{shown(key.text)} {words}", mend)
            return
        while loc not in self._places:
            loc = loc[:-1]
        node = self._places[loc]
        place = self._owner(loc) if isinstance(node, Mapping) else node.span.start
        self._say("C-VALUE", place, f"{self._value(loc)} {words}", mend)

    def _say(self, code: str, place: Place, words: str, mend: str = "") -> None:
        self._sound = False
        self._page.say(code, place, words, mend)

    def _owner(self, loc: Loc) -> Place:
        """Return where the key of a value stands; a value without one stands for itself."""
        return (self._keys.get(loc) or self._places[loc]).span.start

    def _name(self, loc: Loc) -> str:
        names = [part for part in loc if isinstance(part, str)]
        name = shown(names[-1]) if names else self._title
        return f"an item of {name}" if loc and isinstance(loc[-1], int) else name

    def _value(self, loc: Loc) -> str:
        """Name a value in words, with its text where it may be shown."""
        node = self._places[loc]
        if not isinstance(node, Scalar) or node.nothing or self._page.hides(node.span.start):
            return self._name(loc)
        names = [part for part in loc if isinstance(part, str)]
        return f"{shown(names[-1])[1:-1] if names else self._title}: {shown(node.text)}"


def _known(family: Family) -> str:
    return f"the kinds are {listed(family.models)}"
