"""The preparing processes: a small parent that has everything imported, and a fresh limited child per file.

Started as `python -m agent.preparing.child` by `agent.workers`, with a Unix socket as standard input. For each message
(one JSON line, with one end of a stream socket beside it) it forks a child, which sets its limits, prepares or unpacks
the file and writes JSON lines to it: `{"pid": …}`, `{"records": …}`, at last `{"prepared": …}`, `{"unpacked": …}` or
`{"refused": …}`; to `{"question": FILE}` it is told `{"answer": FILE}`. The end of the stream without a last word means
that the child died. When the socket closes, the parent ends.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import WorkerBroke
from agent.impact.rules import RefusedHeader
from agent.mapping.problems import TemplateRefusedError
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.preparing.unpacked import Unpacking
from agent.preparing.unpacking import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

_MESSAGE = 1 << 20
_TOO_MUCH: dict[str, object] = {"broke": "it needs more memory than the limits allow"}
_GARBAGE = 100_000  # objects made between two searches for cycles; rows have none


def serve(connection: socket.socket) -> None:
    """Fork a child per message until the other end closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; the pipe tells how a child ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rest_the_collector()
    connection.send(b"ready\n")
    while True:
        message, fds, _, _ = socket.recv_fds(connection, _MESSAGE, 1)
        if not message:
            return
        if os.fork() == 0:
            connection.close()
            _work(json.loads(message), fds[0])
        for fd in fds:
            os.close(fd)


def rest_the_collector() -> None:
    """Search for cycles seldom, for rows have none; what is imported stays shared with the children."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


def _work(message: Mapping[str, object], pipe: int) -> None:
    """Do one piece of work and leave; never returns."""
    code = 1
    try:
        _tell(pipe, pid=os.getpid())
        _limit(message)
        with open(str(message["job"]), encoding="utf-8") as file:  # noqa: PTH123 - one short file
            answer = _WORK[str(message["work"])](file.read(), pipe)
        _tell(pipe, **answer)
        code = 0
    finally:
        error = sys.exc_info()[1]
        if error is not None:  # nobody foresaw it: say what and where, without values, and leave
            _tell(pipe, broke=f"{type(error).__name__} at {_where(error)}")
        os._exit(code)


def _where(error: BaseException) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119 - a name
        trace = trace.tb_next
    return place


def _prepared(order: str, pipe: int) -> dict[str, object]:
    job = Job.from_json(order)
    os.environ["SQLITE_TMPDIR"] = str(job.scratch)
    try:
        prepared = prepare(job, lambda records: _tell(pipe, records=records), partial(_ask, pipe))
    except TemplateRefusedError as error:
        return {"refused": [str(problem) for problem in error.problems]}
    except RefusedHeader as error:
        return {"refused": [f"{fault.code} {fault.words}; {fault.mend}" for fault in error.faults]}
    except WorkerBroke as error:
        return {"broke": str(error)}
    except MemoryError:
        return _TOO_MUCH
    return {"prepared": prepared.to_json()}


def _unpacked(order: str, pipe: int) -> dict[str, object]:
    del pipe  # nobody waits for how far it is
    try:
        return {"unpacked": unpack(Unpacking.from_json(order)).to_json()}
    except MemoryError:
        return _TOO_MUCH


def _limit(message: Mapping[str, object]) -> None:
    """Give up everything but what one file needs."""
    limits = message["limits"]
    if not isinstance(limits, dict):
        raise WorkerBroke("no limits were given")
    seconds = math.ceil(limits["processor_time"])
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["output"], limits["output"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _ask(pipe: int, question: Path) -> Path | None:
    """Have the agent answer a question; the end of the pipe without a word means that it is gone."""
    _tell(pipe, question=str(question))
    with open(pipe, "rb", closefd=False) as file:
        word = file.readline()
    if not word.endswith(b"\n"):
        os._exit(1)
    path = json.loads(word)["answer"]
    return Path(path) if path else None


def _tell(pipe: int, **values: object) -> None:
    data = (json.dumps(values) + "\n").encode()
    while data:
        data = data[os.write(pipe, data) :]


_WORK = {"prepare": _prepared, "unpack": _unpacked}


if __name__ == "__main__":
    serve(socket.socket(fileno=sys.stdin.fileno()))
