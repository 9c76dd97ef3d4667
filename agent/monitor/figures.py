"""The agent's metrics: how many of what are where, from the ledger at each question, and what happened since the start.

Names are stable. Labels are names of feeds, destinations, states and codes: never file names, ids or contents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from agent.states import AnswerState, BatchState, SubmissionState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client.core import Metric

    from agent.ledger.ledger import Ledger
    from agent.ledger.transition import Transition
    from agent.monitor.pulse import Pulse

Labels = TypeVar("Labels", bound=tuple[str, ...])

_WAITING = (BatchState.READY, BatchState.DEFERRED, BatchState.SENDING)


class About(NamedTuple):
    """What one metric tells."""

    kind: str  # counter or gauge
    labels: tuple[str, ...]
    words: str  # its HELP


METRICS: dict[str, About] = {
    "impact_agent_submissions": About("gauge", ("state",), "Dropped files by where they stand."),
    "impact_agent_batches": About("gauge", ("destination", "state"), "Batches by destination and state."),
    "impact_agent_oldest_waiting_seconds": About(
        "gauge", ("destination",), "Age of the oldest batch that still has to be sent; 0 when none has to."
    ),
    "impact_agent_oldest_received_seconds": About(
        "gauge", (), "Age of the oldest dropped file that is not prepared yet; 0 when none waits."
    ),
    "impact_agent_attempts_total": About(
        "counter", ("destination", "outcome"), "Attempts to send a batch that ended, by how they ended."
    ),
    "impact_agent_rows_sent_total": About("counter", ("destination",), "Rows of the batches that were sent."),
    "impact_agent_rows_refused_total": About(
        "counter", ("destination",), "Rows that impact.com has processed and not accepted."
    ),
    "impact_agent_findings_total": About(
        "counter", ("code",), "Records of dropped files about which something was found, by finding."
    ),
    "impact_agent_reloads_total": About(
        "counter", ("outcome",), "Settings read again while running: taken or refused."
    ),
    "impact_agent_scans_total": About("counter", (), "Finished looks into all drop folders."),
    "impact_agent_scan_seconds": About("gauge", (), "How long the last finished look into all folders took."),
    "impact_agent_last_scan_age_seconds": About(
        "gauge", (), "Time since a look into all folders last finished."
    ),
    "impact_agent_acknowledgements": About(
        "gauge", ("state",), "What came back from impact.com, by what was made of it."
    ),
    "impact_agent_overdue_acknowledgements": About(
        "gauge", ("destination",), "Batches to which impact.com has not answered in time."
    ),
}


class Figures(Collector):
    """Counts what happens, and asks the ledger for the rest.

    Args:
        ledger: where submissions and batches stand.
        pulse: when the folders were last looked into.
        now: the wall clock.
    """

    def __init__(self, ledger: Ledger, pulse: Pulse, now: Callable[[], float]) -> None:
        self._ledger, self._pulse, self._now = ledger, pulse, now
        self._registry = CollectorRegistry()
        self._attempts = self._counter("impact_agent_attempts_total")
        self._rows = self._counter("impact_agent_rows_sent_total")
        self._refused = self._counter("impact_agent_rows_refused_total")
        self._findings = self._counter("impact_agent_findings_total")
        self._reloads = self._counter("impact_agent_reloads_total")
        self._registry.register(self)

    def heard(self, change: Transition) -> None:
        """Count what a committed change says.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        for group in change.groups or ():
            self._findings.labels(group.code).inc(group.count)
        ended = change.attempt is not None and change.attempt.ended_at is not None
        wanted = ended or change.event in {"sent", "processed"}
        batch = self._ledger.batch(change.subject) if wanted else None
        if batch is None:
            return
        if change.attempt is not None and ended:
            self._attempts.labels(batch.destination, change.attempt.outcome).inc()
        if change.event == "sent":
            self._rows.labels(batch.destination).inc(batch.rows)
        if change.event == "processed":
            self._refused.labels(batch.destination).inc(batch.refused or 0)

    def reloaded(self, outcome: str) -> None:
        """Count that settings were read again: `taken` or `refused`."""
        self._reloads.labels(outcome).inc()

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text form.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Promise nothing at registration, so that the ledger is not asked then."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return what is read at each question."""
        pulse = self._pulse
        yield from self._of_the_ledger()
        yield _gauge("impact_agent_scan_seconds", {(): pulse.seconds})
        if pulse.age is not None:
            yield _gauge("impact_agent_last_scan_age_seconds", {(): pulse.age})
        about = METRICS["impact_agent_scans_total"]
        yield CounterMetricFamily("impact_agent_scans_total", about.words, value=pulse.scans)

    def _of_the_ledger(self) -> Iterable[Metric]:
        found = self._ledger.counts_by_state()
        of_each = {(str(state),): found.get(("submission", state), 0) for state in SubmissionState}
        yield _gauge("impact_agent_submissions", of_each)
        batches = self._ledger.batches_by_destination(tuple(BatchState))
        yield _gauge("impact_agent_batches", batches)
        oldest = {(name,): self._oldest_waiting(name) for name in sorted({name for name, _ in batches})}
        yield _gauge("impact_agent_oldest_waiting_seconds", oldest)
        overdue = {(name,): number for name, number in self._ledger.overdue_by_destination().items()}
        yield _gauge("impact_agent_overdue_acknowledgements", overdue)
        answers = {(str(state),): found.get(("acknowledgement", state), 0) for state in AnswerState}
        yield _gauge("impact_agent_acknowledgements", answers)
        received = self._ledger.submissions([SubmissionState.RECEIVED], limit=1)
        yield _gauge(
            "impact_agent_oldest_received_seconds", {(): self._age(one.received_at for one in received)}
        )

    def _oldest_waiting(self, destination: str) -> float:
        found = self._ledger.batches(_WAITING, destination, limit=1)
        return self._age(batch.created_at for batch in found)

    def _age(self, since: Iterable[float]) -> float:
        return max((self._now() - at for at in since), default=0.0)

    def _counter(self, name: str) -> Counter:
        about = METRICS[name]
        return Counter(name, about.words, about.labels, registry=self._registry)


def _gauge(name: str, values: Mapping[Labels, float]) -> GaugeMetricFamily:
    about = METRICS[name]
    family = GaugeMetricFamily(name, about.words, labels=about.labels)
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family
