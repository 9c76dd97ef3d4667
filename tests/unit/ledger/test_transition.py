from __future__ import annotations

from dataclasses import replace

import pytest

from agent.ledger.transition import Transition
from agent.model import Counts
from tests.unit.ledger.made import attempt, batch, group, original, prepared, submission, taken

A, B = submission("a"), submission("b")


@pytest.mark.parametrize(
    ("subject", "event"), [("", "taken"), ("x", ""), ("x\ny", "taken"), ("x", "ta\nken")]
)
def test_a_transition_names_a_subject_and_an_event(subject, event):
    """Both stand on one line of the audit."""
    with pytest.raises(ValueError, match="one line"):
        Transition(subject, "batch", event)


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("submission", {"due_at": 0.0}),
        ("submission", {"attempt": attempt(batch(A))}),
        ("batch", {"new_submission": A}),
        ("batch", {"new_batches": (batch(A),)}),
        ("batch", {"generation": 0}),
        ("batch", {"counts": Counts()}),
        ("batch", {"groups": (group(),)}),
        ("batch", {"told_at": 0.0}),
    ],
)
def test_a_transition_brings_only_what_its_kind_has(kind, other):
    """What the ledger would pass over in silence is refused when the transition is built."""
    with pytest.raises(ValueError, match=f"of a {kind} cannot have {next(iter(other))}"):
        Transition("x", kind, "told", **other)


def test_a_transition_brings_only_its_own():
    """Nothing of another submission or batch slips in."""
    for build in (
        lambda: Transition(B.id, "submission", "taken", new_submission=A),
        lambda: prepared(B, batch(A)),
        lambda: Transition("b9", "batch", "started", attempt=attempt(batch(A))),
    ):
        with pytest.raises(ValueError, match="belongs to another"):
            build()


@pytest.mark.parametrize("path", ["/etc/passwd", "../out", "spool/../../x", ""])
def test_paths_stay_inside_the_state_folder(path):
    """No path of one host, and none that leads out, gets into the ledger."""
    with pytest.raises(ValueError, match="relative"):
        prepared(A, replace(batch(A), path=path))
    with pytest.raises(ValueError, match="relative"):
        taken(A, papers=(replace(original(A), path=path),))
