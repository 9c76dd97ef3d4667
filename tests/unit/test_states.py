from __future__ import annotations

import pytest

from agent.states import (
    ANSWER,
    BATCH,
    SUBMISSION,
    AnswerState,
    BatchState,
    Phase,
    SubmissionState,
    UnknownTransitionError,
    after,
    has_ended,
    picture,
)

MACHINES = {
    "submission": (SUBMISSION, SubmissionState),
    "batch": (BATCH, BatchState),
    "acknowledgement": (ANSWER, AnswerState),
}
ENDS = {
    "submission": {SubmissionState.CLOSED},
    "batch": {BatchState.PROCESSED, BatchState.CANCELLED},
    "acknowledgement": {AnswerState.APPLIED, AnswerState.UNMATCHED},
}
EVENTS = sorted({event for table, _ in MACHINES.values() for _, event in table})
EDGES = SUBMISSION | BATCH | ANSWER
ABSENT = [
    (state, event)
    for state in ("", *SubmissionState, *BatchState, *AnswerState, "NOWHERE")
    for event in (*EVENTS, "unheard-of", "")
    if (state, event) not in EDGES
]


def reachable(table, *states):
    """Return all states that can follow, and theirs."""
    found, new = set(), set(states)
    while new:
        found |= new
        new = {following for (before, _), following in table.items() if before in found} - found
    return found


@pytest.mark.parametrize(("state", "event"), [pytest.param(*edge, id=":".join(edge)) for edge in EDGES])
def test_what_is_in_a_table_may_happen(state, event):
    """Each edge of any machine leads where its table says."""
    assert after(state, event) == EDGES[state, event]


def test_what_is_absent_from_all_tables_raises():
    """Every other pair of state and event is refused, and the error names both."""
    assert len(ABSENT) > 300
    for state, event in ABSENT:
        with pytest.raises(UnknownTransitionError) as caught:
            after(state, event)
        assert (caught.value.state, caught.value.event) == (state, event)


def test_the_machines_do_not_meet():
    """No state belongs to two of them, and no edge leads from one into another."""
    assert len(EDGES) == sum(len(table) for table, _ in MACHINES.values())
    named = [state for _, states in MACHINES.values() for state in states]
    assert len(named) == len(set(named))
    for table, states in MACHINES.values():
        assert {before for before, _ in table} <= {"", *states}
        assert set(table.values()) <= set(states)


@pytest.mark.parametrize("kind", MACHINES)
def test_every_state_can_be_reached_and_can_end(kind):
    """Nothing new can get stuck: from each state, some way leads to an end."""
    table, states = MACHINES[kind]
    assert reachable(table, "") == {"", *states}
    assert [state for state in states if not reachable(table, state) & ENDS[kind]] == []


def test_nothing_goes_back_to_being_new():
    """What the ledger knows it never forgets."""
    assert "" not in EDGES.values()


def test_only_a_person_leads_out_of_an_end():
    """The agent starts nothing anew that has ended."""
    ends = set().union(*ENDS.values())
    led_on = {event for (state, event), following in EDGES.items() if state in ends and following != state}
    assert led_on <= {"resent", "reopened"}


def test_a_batch_is_sent_only_out_of_sending():
    """SENT comes from an attempt under way, or from finding what an attempt left in doubt."""
    ways = {state for (state, _), following in BATCH.items() if following == BatchState.SENT != state}
    assert ways == {BatchState.SENDING, BatchState.IN_DOUBT}


def test_a_delivered_batch_has_ended_unless_an_answer_is_awaited():
    """Where nobody is asked what became of the rows, delivery is the end; else the answer is."""
    for awaited in (False, True):
        found = {state for state in BatchState if has_ended(state, awaited=awaited)}
        assert found == {*ENDS["batch"], *(() if awaited else (BatchState.SENT, BatchState.TAKEN))}


def test_whatever_is_known_of_a_batch_it_may_be_heard_of():
    """An answer never fails for the state that its batch is in."""
    for state in BatchState:
        assert {after(state, "heard"), after(state, "contradicted")} == {state}


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
    silent = {"heard", "contradicted"}
    edges = {
        (before, event, following) for (before, event), following in EDGES.items() if event not in silent
    }
    assert drawn == edges
