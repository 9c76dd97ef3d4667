"""Fields of forms that no setting has yet, but a new channel may."""

from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agent.settings.models import Destination, Secret
from agent.settings.shape import Fitting
from agent.settings.yamltree import open_page, plant


def _shout(value: object) -> object:
    return str(value).upper()


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("is odd; take the next one")
    return value


class Other(Destination):
    """Every form there is."""

    type: Literal["other"] = "other"
    address: IPv4Address | None = None
    ratio: float = 1.0
    even: Annotated[int, AfterValidator(_even), Field(lt=100)] = 0
    loud: Annotated[bool | str, BeforeValidator(_shout)] = ""
    either: int | str = 0
    anything: Any = None
    words: list[str] = Field(default_factory=list)
    signs: frozenset[str] = frozenset()
    short: Annotated[str, Field(max_length=3)] = ""
    several: Annotated[tuple[str, ...], Field(min_length=2, max_length=3)] = ("a", "b")
    keys: dict[str, Secret] = Field(default_factory=dict)
    first: Annotated[str, Field(pattern="^[a-z]$")] = "a"

    @model_validator(mode="after")
    def _never_both(self) -> Self:
        if self.address and self.words:
            raise ValueError("has an address and words; leave one out")
        return self


def _fitted(text):
    page = open_page("a.yaml", f"type: other\n{text}\n".encode())
    root = plant(page)
    fitting = Fitting(page, {"other": Other}, "the file")
    return fitting.validated(Other, fitting.fit(root, Other)), page.problems()


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("address: 127.0.0.1", "address", IPv4Address("127.0.0.1")),
        ("address: null", "address", None),
        ("ratio: 0.25", "ratio", 0.25),
        ("loud: yes", "loud", "YES"),
        ("either: text", "either", "text"),
        ("anything: {a: [b, {c: d}]}", "anything", {"a": ["b", {"c": "d"}]}),
        ("words: one", "words", ["one"]),
        ("words: []", "words", []),
        ("signs: [a, b, a]", "signs", frozenset("ab")),
        ("keys: {a: {env: A}}", "keys", {"a": Secret(env="A")}),
    ],
)
def test_every_form_is_read(text, field, value):
    """A value is what its field's form makes of the text."""
    made, problems = _fitted(text)
    assert problems == []
    assert getattr(made, field) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("address: here", "2:10: C-VALUE address: 'here' is not a valid IPv4 address"),
        ("ratio: 1e5", "2:8: C-TYPE ratio: '1e5' is not a number"),
        ("ratio: nan", "2:8: C-TYPE ratio: 'nan' is not a number"),
        ("even: 3", "2:7: C-VALUE even: '3' is odd; take the next one"),
        ("even: 100", "2:7: C-VALUE even: '100' must be less than 100"),
        ("short: long", "2:8: C-VALUE short: 'long' must not be longer than 3 characters"),
        ("several: one", "2:10: C-VALUE several: 'one' must have at least 2"),
        ("several: [a, b, c, d]", "2:10: C-VALUE 'several' must not have more than 3 items"),
        ("first: A", "2:8: C-VALUE first: 'A' does not have the form it must have"),
        ("keys: {a: hunter2}", "2:11: C-SECRET 'a' stands here in clear text"),
        ("words: {a: b}", "2:8: C-TYPE 'words' must be a list"),
        ("address: 1.1.1.1\nwords: a", "2... has an address and words; leave one out"),
    ],
)
def test_every_mistake_is_in_plain_words(text, told):
    """What pydantic says is put so that it continues the value's name."""
    made, (problem, *more) = _fitted(text)
    assert (made, more) == (None, [])
    if "..." in told:
        assert problem.words == "the file has an address and words"
        assert (problem.line, problem.column, problem.mend) == (1, 1, "leave one out")
    else:
        assert str(problem).startswith(f"a.yaml:{told}")


def test_each_item_of_a_list_is_told_for_itself():
    """Mistakes in several items are all told, and not once more for the list."""
    _, problems = _fitted("several: [[a], {b: c}, d]")
    assert [(problem.column, problem.code) for problem in problems] == [(11, "C-TYPE"), (16, "C-TYPE")]
    assert problems[0].words.startswith("an item of 'several'")
