from __future__ import annotations

from pathlib import Path

import pytest

from agent.states import (
    BATCH,
    ENDED,
    SUBMISSION,
    BatchState,
    Phase,
    SubmissionState,
    UnknownTransitionError,
    after,
    picture,
)

MACHINES = {"submission": (SUBMISSION, SubmissionState), "batch": (BATCH, BatchState)}
EVENTS = sorted({event for table, _ in MACHINES.values() for _, event in table})
EDGES = SUBMISSION | BATCH
ABSENT = [
    (state, event)
    for state in ("", *SubmissionState, *BatchState, "NOWHERE")
    for event in (*EVENTS, "unheard-of", "")
    if (state, event) not in EDGES
]
README = Path(__file__).resolve().parents[2] / "README.md"


def reachable(table, *states):
    """Return all states that can follow, and theirs."""
    found, new = set(), set(states)
    while new:
        found |= new
        new = {following for (before, _), following in table.items() if before in found} - found
    return found


@pytest.mark.parametrize(("state", "event"), [pytest.param(*edge, id=":".join(edge)) for edge in EDGES])
def test_what_is_in_a_table_may_happen(state, event):
    """Each edge of either machine leads where its table says."""
    assert after(state, event) == EDGES[state, event]


def test_what_is_absent_from_both_tables_raises():
    """Every other pair of state and event is refused, and the error names both."""
    assert len(ABSENT) > 300
    for state, event in ABSENT:
        with pytest.raises(UnknownTransitionError) as caught:
            after(state, event)
        assert (caught.value.state, caught.value.event) == (state, event)


def test_the_machines_do_not_meet():
    """No state belongs to both, and no edge leads from one into the other."""
    assert not set(SubmissionState) & set(BatchState)
    assert not set(SUBMISSION) & set(BATCH)
    for table, states in MACHINES.values():
        assert {before for before, _ in table} <= {"", *states}
        assert set(table.values()) <= set(states)


@pytest.mark.parametrize("kind", MACHINES)
def test_every_state_can_be_reached_and_can_end(kind):
    """Nothing new can get stuck: from each state, some way leads to an end."""
    table, states = MACHINES[kind]
    ends = ENDED if kind == "batch" else {SubmissionState.CLOSED}
    assert reachable(table, "") == {"", *states}
    assert [state for state in states if not reachable(table, state) & ends] == []


def test_nothing_goes_back_to_being_new():
    """What the ledger knows it never forgets."""
    assert "" not in EDGES.values()


def test_only_a_person_leads_out_of_an_end():
    """The agent starts nothing anew that has ended."""
    ends = {*ENDED, SubmissionState.CLOSED}
    led_on = {event for (state, event), following in EDGES.items() if state in ends and following != state}
    assert led_on <= {"resent", "reopened"}


def test_a_batch_is_sent_only_out_of_sending():
    """SENT comes from an attempt under way, or from finding what an attempt left in doubt."""
    ways = {state for (state, _), following in BATCH.items() if following == BatchState.SENT}
    assert ways == {BatchState.SENDING, BatchState.IN_DOUBT}


def test_phases_are_in_the_order_they_are_passed():
    """The ledger compares phases by their order here."""
    assert [*Phase] == ["STARTED", "WILL_PUBLISH", "PUBLISHED"]


def test_the_picture_shows_every_edge():
    """What is drawn is the tables, edge by edge, and nothing else."""
    arrows = [line.strip() for line in picture().splitlines() if "-->" in line]
    drawn = set()
    for arrow in arrows:
        way, _, events = arrow.partition(": ")
        before, _, following = way.partition(" --> ")
        drawn |= {(before.replace("[*]", ""), event, following) for event in events.split(" / ")}
    assert drawn == {(before, event, following) for (before, event), following in EDGES.items()}


def test_the_readme_has_the_picture():
    """The README shows the machines as they are; print `agent.states.picture()` into it after a change."""
    assert picture() in README.read_text(encoding="utf-8")
