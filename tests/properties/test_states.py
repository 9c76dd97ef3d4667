from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.ledger.ledger import Ledger
from agent.states import (
    ANSWER,
    BATCH,
    SUBMISSION,
    AnswerState,
    BatchState,
    SubmissionState,
    UnknownTransitionError,
    after,
    has_ended,
)
from tests.unit.ledger.made import NOON, acknowledgement, batch, fetched, moved, submission, taken

NAMES = "abc"
NEW = sorted(event for state, event in SUBMISSION if state == "")
LATER = {
    "submission": sorted({event for state, event in SUBMISSION if state} - {"prepared"}),
    "batch": sorted({event for state, event in BATCH if state}),
    "acknowledgement": sorted({event for state, event in ANSWER if state}),
}
FILES = {name: submission(name) for name in NAMES}
BATCHES = {name: batch(FILES[name]) for name in NAMES}
ANSWERS = {name: acknowledgement(name) for name in NAMES}
STEPS = st.lists(st.sampled_from(sorted({event for _, event in SUBMISSION | BATCH | ANSWER})), max_size=60)


@given(STEPS)
def test_a_walk_stays_on_the_table(events):
    """Whatever is asked for, in whatever order: only edges are walked, within one machine."""
    state, machine = "", None
    for event in events:
        with suppress(UnknownTransitionError):
            following = after(state, event)
            assert {**SUBMISSION, **BATCH, **ANSWER}[state, event] == following
            machine = machine or type(following)
            assert isinstance(following, machine)
            state = following


class LedgerAgainstTables(RuleBasedStateMachine):
    """Drive a ledger at random, one or several transitions a commit; two dictionaries say what must be."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.db"
        self.ledger = Ledger.open(self.path, must_exist=False)
        self.states: dict[str, str] = {}
        self.awaited: dict[str, bool] = {}
        self.lines = 0

    def teardown(self):
        """Check the whole audit once, at the end of each run."""
        assert self.ledger.verify_audit() == []
        self.ledger.close()
        self.folder.cleanup()

    def expected(self, subject, event, states, *, brings_itself):
        """Return the state that must follow, None if it may not happen."""
        name, state = subject.id[-1], states.get(subject.id, "")
        if not state and not brings_itself:
            return None
        with suppress(UnknownTransitionError):
            following = after(state, event)
            return None if event == "closed" and not self.ended(name, states) else following
        return None

    def ended(self, name, states):
        """Whether a file's batch has ended, or was never there."""
        of = BATCHES[name].id
        return of not in states or has_ended(states[of], awaited=self.awaited.get(of, False))

    def commit(self, *wishes):
        """Commit wishes (subject, event, transition); all of them happen or none."""
        states, made, awaited = dict(self.states), 0, dict(self.awaited)
        for subject, event, transition in wishes:
            following = self.expected(
                subject,
                event,
                states,
                brings_itself=bool(transition.new_submission or transition.acknowledgement),
            )
            if following is None:
                states = None
                break
            states[subject.id] = following
            if transition.awaited is not None:
                self.awaited[subject.id] = transition.awaited
            made += 1
            if transition.new_batches:
                states[transition.new_batches[0].id] = BatchState.READY
                made += 1
        try:
            self.ledger.commit([transition for _, _, transition in wishes], at=NOON)
        except UnknownTransitionError:
            assert states is None
            self.awaited = awaited
        else:
            assert states is not None
            self.states, self.lines = states, self.lines + made

    @rule(name=st.sampled_from(NAMES), event=st.sampled_from(NEW))
    def take(self, name, event):
        """Bring a file in, which may be there already."""
        self.commit((FILES[name], event, taken(FILES[name], event)))

    @rule(name=st.sampled_from(NAMES))
    def prepare(self, name):
        """Bring its batch along, once."""
        known = BATCHES[name].id in self.states
        brought = () if known else (BATCHES[name],)
        self.commit((FILES[name], "prepared", moved(FILES[name], "prepared", new_batches=brought)))

    @rule(
        wishes=st.lists(
            st.tuples(
                st.sampled_from(NAMES), st.sampled_from(LATER["batch"]), st.sampled_from([None, False, True])
            ),
            max_size=3,
        )
    )
    def move_batches(self, wishes):
        """Ask for events of batches, possible or not, and for an answer to be awaited or not."""
        self.commit(
            *(
                (BATCHES[name], event, moved(BATCHES[name], event, awaited=awaited))
                for name, event, awaited in wishes
            )
        )

    @rule(name=st.sampled_from(NAMES))
    def fetch(self, name):
        """Keep an acknowledgement, which may be kept already."""
        self.commit((ANSWERS[name], "fetched", fetched(ANSWERS[name])))

    @rule(name=st.sampled_from(NAMES), event=st.sampled_from(LATER["acknowledgement"]))
    def read_answers(self, name, event):
        """Ask for events of acknowledgements, possible or not."""
        self.commit((ANSWERS[name], event, moved(ANSWERS[name], event)))

    @rule(
        wishes=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(LATER["submission"])), max_size=3)
    )
    def move_submissions(self, wishes):
        """Ask for events of submissions, possible or not."""
        self.commit(*((FILES[name], event, moved(FILES[name], event)) for name, event in wishes))

    @rule()
    def restart(self):
        """Close and open again: nothing is forgotten."""
        self.ledger.close()
        self.ledger = Ledger.open(self.path, must_exist=bool(self.lines))

    @invariant()
    def what_can_be_closed_is_to_be_told(self):
        """Find every prepared file whose batches have all ended, whatever way they took."""
        ready = {
            FILES[name].id
            for name in NAMES
            if self.states.get(FILES[name].id) == SubmissionState.PREPARED and self.ended(name, self.states)
        }
        assert ready <= {one.id for one in self.ledger.to_tell()}

    @invariant()
    def the_ledger_is_where_the_tables_say(self):
        """States, counts and the number of audit lines agree with the model."""
        found = {one.id: one.state for one in self.ledger.submissions()}
        found |= {one.id: one.state for one in self.ledger.batches(list(BatchState))}
        found |= {one.id: one.state for one in self.ledger.acknowledgements(list(AnswerState))}
        assert found == self.states
        assert len(self.ledger.audit()) == self.lines
        closed = self.ledger.counts_by_state().get(("submission", SubmissionState.CLOSED), 0)
        assert closed == list(self.states.values()).count(SubmissionState.CLOSED)


TestLedgerAgainstTables = LedgerAgainstTables.TestCase
TestLedgerAgainstTables.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
