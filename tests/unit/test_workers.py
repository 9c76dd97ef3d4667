"""Children are killed, starved and cut off here; the next file must never notice."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from agent.errors import LedgerError, WorkerBroke
from agent.model import Counts, Level
from agent.preparing.job import Job
from agent.settings.models import Feed, Limits
from agent.workers import TemplateUnusableError, Workers
from tests.remembering import Memory

HEADER = "Oid,ActionTrackerID,SKU,Amount,Quantity,Reason"
PLAIN = f"{HEADER}\n{{% for row in rows %}}\n{{{{ row.Order }}}},16027,{{{{ row.Sku }}}},1,1,OTHER\n{{% endfor %}}\n"
ENDLESS = (  # on a record with many letters
    f"{HEADER}\n{{% for row in rows %}}\n{{% for a in row.Order %}}\n{{% for b in row.Order %}}\n"
    '{% for c in row.Order %}\n{% if a == "-" %}\n{{ row.Order }},16027,{{ row.Sku }},1,1,OTHER\n{% endif %}\n'
    "{% endfor %}\n{% endfor %}\n{% endfor %}\n{% endfor %}\n"
)
LONG = f"Order,Sku\n{'A' * 9999},s1\n"
SMALL = "Order,Sku\nA,s1\nB,s1\n"
LIMITS = Limits(time=60.0)


@pytest.fixture
def make_job(tmp_path):
    """Make jobs, each with a source and a scratch folder of its own."""
    numbers = itertools.count()

    def make(template=PLAIN, text=SMALL, max_rows=100) -> Job:
        folder = tmp_path / str(next(numbers))
        (folder / "scratch").mkdir(parents=True)
        (folder / "source.csv").write_text(text)
        feed = Feed(name="shop", level=Level.ITEM, template="t.csv.j2", destination="d", delimiter="comma")
        return Job(feed, template, "", folder / "source.csv", folder / "scratch", max_rows)

    return make


@pytest.fixture
def start_workers():
    """Start workers with these limits; they are ended with the test."""
    started = []

    def start(limits=LIMITS) -> Workers:
        started.append(Workers(limits))
        return started[-1]

    yield start
    for workers in started:
        workers.close()


def children_of(pid: int) -> list[int]:
    """Give the living children of a process."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def standing(workers: Workers) -> int:
    """Give the pid of the standing process."""
    workers.start()
    assert workers._process
    return workers._process.pid


def wait_for_no_child(workers: Workers) -> None:
    """Wait until the last child is gone."""
    parent, end = standing(workers), time.monotonic() + 20
    while children_of(parent):
        assert time.monotonic() < end, "a child lives on"
        time.sleep(0.005)


def child_of(workers: Workers) -> int:
    """Wait for the child at work, and until it has said who it is; return its pid."""
    parent, end = standing(workers), time.monotonic() + 20
    while not any(answers.begun for answers in workers._at_work) or not (found := children_of(parent)):
        assert time.monotonic() < end, "no child came to work"
        time.sleep(0.005)
    return found[0]


def assert_works(workers: Workers, job: Job) -> None:
    """An ordinary file is prepared."""
    prepared = workers.prepare(job)
    assert ("ready", Counts(records=2, sent=2, rows=2, orders=2)) == (prepared.verdict, prepared.counts)


class Aside:
    """Prepares in a thread; what came of it is asked for with `error`."""

    def __init__(self, workers: Workers, job: Job) -> None:
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(workers, job))
        self._thread.start()

    def _run(self, workers: Workers, job: Job) -> None:
        try:
            workers.prepare(job)
        except WorkerBroke as error:
            self._error = error

    def error(self) -> Exception | None:
        """Wait for the end."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self._error


def test_a_file_is_prepared_in_a_child(start_workers, make_job):
    """What comes back is what was made, and the draft lies in the scratch folder."""
    workers, job = start_workers(), make_job()
    prepared = workers.prepare(job)
    (draft,) = prepared.drafts
    assert f"{HEADER}\r\nA,16027,s1,1.00,1,OTHER\r\nB,16027,s1,1.00,1,OTHER\r\n".encode() == (
        (job.scratch / draft.file).read_bytes()
    )
    assert Counts(records=2, sent=2, rows=2, orders=2) == prepared.counts
    assert prepared.peak_memory > 0


def test_progress_arrives_on_the_way(start_workers, make_job):
    """Ascending, and at last all records."""
    told: list[int] = []
    many = 30_000
    text = "Order,Sku\n" + "".join(f"A{number},s1\n" for number in range(many))
    prepared = start_workers().prepare(make_job(text=text), told.append)
    assert many == prepared.counts.sent == told[-1]
    assert len(told) > 2
    assert sorted(told) == told


def test_a_child_asks_what_was_sent_before(start_workers, make_job):
    """It waits for the answer, and what that says counts."""
    memory, workers = Memory(), start_workers()
    first, second = make_job(), make_job(text="Order,Sku\nA,s1\nC,s1\n")
    memory.take(first, workers.prepare(first, ask=memory.ask))
    prepared = workers.prepare(second, ask=memory.ask)
    assert Counts(records=2, sent=1, repeated=1, rows=1, orders=2) == prepared.counts


def test_the_time_for_an_answer_is_not_the_childs(start_workers, make_job):
    """A slow disk under the ledger breaks no file."""
    workers, job = start_workers(Limits(time=1.0)), make_job()
    assert workers.prepare(job, ask=lambda _: time.sleep(1.5)).verdict == "ready"


def test_an_answer_that_cannot_be_had_is_said(start_workers, make_job):
    """Nothing is prepared without it, and the next file is."""

    def fails(_question: Path) -> Path | None:
        raise LedgerError("it cannot be read")

    workers = start_workers()
    with pytest.raises(LedgerError, match="cannot be read"):
        workers.prepare(make_job(), ask=fails)
    wait_for_no_child(workers)
    assert_works(workers, make_job())


def test_a_child_killed_while_it_waits_for_an_answer_breaks_its_file_only(start_workers, make_job):
    """The answer goes nowhere, and that is no fault of the agent."""
    workers = start_workers()

    def kills(_question: Path) -> None:
        os.kill(child_of(workers), signal.SIGKILL)
        wait_for_no_child(workers)

    with pytest.raises(WorkerBroke, match="died"):
        workers.prepare(make_job(), ask=kills)
    assert_works(workers, make_job())


def test_a_child_killed_at_work_breaks_its_file_only(start_workers, make_job):
    """The same standing process prepares the next file."""
    workers = start_workers()
    before = standing(workers)
    aside = Aside(workers, make_job(ENDLESS, LONG))
    os.kill(child_of(workers), signal.SIGKILL)
    assert "died" in str(aside.error())
    assert_works(workers, make_job())
    assert before == standing(workers)


def test_a_file_that_takes_too_long_is_broken_off(start_workers, make_job):
    """By the clock; the child does not live on."""
    workers = start_workers(Limits(time=0.7))
    with pytest.raises(WorkerBroke, match="longer than the limits allow"):
        workers.prepare(make_job(ENDLESS, LONG))
    wait_for_no_child(workers)
    assert_works(workers, make_job())


def test_a_file_that_takes_too_much_processor_time_is_broken_off(start_workers, make_job):
    """Long before the clock would."""
    workers = start_workers(Limits(time=60, processor_time=1))
    with pytest.raises(WorkerBroke, match="died"):
        workers.prepare(make_job(ENDLESS, LONG))
    assert_works(workers, make_job())


def test_a_file_that_needs_too_much_memory_is_broken_off(start_workers, make_job):
    """The next one, which needs less, is prepared under the same limit."""
    workers = start_workers(Limits(memory=150 * 2**20, time=60))
    assert_works(workers, make_job())
    grouped = PLAIN.replace(
        "for row in rows", 'for order, all in rows | groupby("Order") %}\n{% for row in all', 1
    )
    grouped = grouped.replace("{% endfor %}", "{% endfor %}\n{% endfor %}")
    text = "Order,Sku\n" + "".join(f"A{number},s1\n" for number in range(600_000))
    with pytest.raises(WorkerBroke):
        workers.prepare(make_job(grouped, text))
    assert_works(workers, make_job())


def test_no_child_can_live_in_no_memory(start_workers, make_job):
    """It is a broken file, not a broken agent."""
    workers = start_workers(Limits(memory=1 * 2**20))
    with pytest.raises(WorkerBroke):
        workers.prepare(make_job())


def test_a_file_that_writes_too_much_is_broken_off(start_workers, make_job):
    """The limit on output holds for the draft."""
    workers = start_workers(Limits(output=200_000, time=60))
    text = "Order,Sku\n" + "".join(f"A{number},s1\n" for number in range(30_000))
    with pytest.raises(WorkerBroke):
        workers.prepare(make_job(text=text, max_rows=100_000))
    assert_works(workers, make_job())


def test_the_standing_process_is_started_again_when_it_died(start_workers, make_job):
    """Nobody has to notice."""
    workers = start_workers()
    assert_works(workers, make_job())
    before = standing(workers)
    os.kill(before, signal.SIGKILL)
    assert workers._process
    workers._process.wait()
    assert_works(workers, make_job())
    assert before != standing(workers)


def test_a_file_is_not_blamed_for_a_standing_process_that_dies_before_it_forks(start_workers, make_job):
    """No child ever saw the file: it is prepared by the next one, or there is no worker."""
    workers = start_workers()
    before = standing(workers)
    os.kill(before, signal.SIGSTOP)
    aside = Aside(workers, make_job())
    end = time.monotonic() + 20
    while not workers._at_work:
        assert time.monotonic() < end
        time.sleep(0.005)
    os.kill(before, signal.SIGKILL)
    assert aside.error() is None


def test_killing_cuts_short_what_is_at_work(start_workers, make_job):
    """As at the end of the service; what is prepared later is not cut."""
    workers = start_workers()
    aside = Aside(workers, make_job(ENDLESS, LONG))
    child_of(workers)
    end = time.monotonic() + 20
    while not workers._at_work:
        assert time.monotonic() < end
        time.sleep(0.005)
    workers.kill()
    assert "died" in str(aside.error())
    assert_works(workers, make_job())


def test_a_template_that_cannot_be_used_is_told_apart(start_workers, make_job):
    """No file can help; a person must mend the settings."""
    workers = start_workers()
    with pytest.raises(TemplateUnusableError):
        workers.prepare(make_job("Oid,Nonsense\n{% for row in rows %}\n{{ row.Order }},1\n{% endfor %}\n"))
    assert_works(workers, make_job())


def test_nothing_is_left_open(start_workers, make_job):
    """Neither here nor in the standing process, however files end."""
    workers = start_workers()
    workers.prepare(make_job())
    folders = [Path("/proc/self/fd"), Path(f"/proc/{standing(workers)}/fd")]
    before = [len(list(folder.iterdir())) for folder in folders]
    for number in range(30):
        if number % 10 == 9:
            wait_for_no_child(workers)
            aside = Aside(workers, make_job(ENDLESS, LONG))
            os.kill(child_of(workers), signal.SIGKILL)
            assert aside.error()
        else:
            assert_works(workers, make_job())
    assert before == [len(list(folder.iterdir())) for folder in folders]


def test_nothing_is_imported_from_the_folder_it_was_started_in(
    start_workers, make_job, tmp_path, monkeypatch
):
    """Whoever can write there must not be able to run code as the agent."""
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "__init__.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert_works(start_workers(), make_job())


def test_closed_workers_leave_no_process(start_workers, make_job):
    """The standing process ends, and files can be prepared again by another."""
    workers = start_workers()
    pid = standing(workers)
    workers.close()
    assert not Path(f"/proc/{pid}").exists()
    assert_works(workers, make_job())
