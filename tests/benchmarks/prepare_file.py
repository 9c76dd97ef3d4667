"""The process that `bench_prepare` measures: the prepare stage on one received submission, and its commit.

The file is prepared in a forked child, as always; here its parent waits for it, so that the kernel adds its
processor time to ours (the agent's own children are reaped by the kernel, and count nowhere).
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent import log
from agent.acks import every_kind
from agent.preparing.child import rest_the_collector
from agent.preparing.job import Job, Prepared
from agent.preparing.pipeline import prepare as prepare_job
from agent.service import Agent
from agent.settings.loader import load
from agent.stages.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.preparing.remembered import Ask


class Waited:
    """Stands in for the agent's workers: a fresh child for each file, waited for."""

    def prepare(self, job: Job, progress: Callable[[int], None], _ask: Ask) -> Prepared:
        """Prepare one file in a child; nothing was sent before."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            rest_the_collector()  # as the agent's own standing process does
            self._work(job, progress, writing)
        os.close(writing)
        with open(reading, "rb") as pipe:  # noqa: PTH123 - no path
            answer = pipe.read()
        os.waitpid(child, 0)
        return Prepared.from_json(answer.decode())

    def _work(self, job: Job, progress: Callable[[int], None], pipe: int) -> None:
        try:
            with open(pipe, "wb") as answer:
                answer.write(prepare_job(Job.from_json(job.to_json()), progress).to_json().encode())
        finally:
            os._exit(0)


def main(config: Path, submission: str) -> None:
    """Prepare a submission; tell how many processor seconds the stage took, and the counts."""
    log.configure(level=logging.WARNING)
    with Agent(load(config / "agent.yaml", every_kind())) as agent:
        context = replace(agent.engine.context, workers=Waited())
        begun = _spent()
        change = prepare(context, submission)
        context.ledger.commit([change], at=time.time())
        stage = _spent() - begun
    assert change.event == "prepared", change.reason
    sys.stdout.write(json.dumps({"stage": stage, "counts": asdict(change.counts)}))


def _spent() -> float:
    """Return the processor seconds of this process and the children it waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
