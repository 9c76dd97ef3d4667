"""Deliveries side by side: each is a generator that hands over the request whose answer it waits for.

A generator (`Steps`) asks the server, yields the ticket of what it waits for, and goes on when the answer
is there. So one delivery reads like plain code, while several share one connection and wait for each
other's answers no more than the network makes them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from agent.net.failures import FarError, LostError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from agent.channels.ssh.wire import Ticket, Wire

T = TypeVar("T")
Steps: TypeAlias = "Generator[Ticket, None, T]"


def run(wire: Wire, steps: Steps[T]) -> T:
    """Take one generator to its end.

    Raises:
        FarError: what it raised.
    """
    (outcome,) = together(wire, [steps])
    if isinstance(outcome, FarError):
        raise outcome
    return outcome


def together(wire: Wire, jobs: Sequence[Steps[T]]) -> list[T | FarError]:
    """Take several generators to their ends side by side; return what each returned or raised."""
    outcomes: dict[int, T | FarError] = {}
    waiting: deque[tuple[int, Ticket | None]] = deque((index, None) for index in range(len(jobs)))
    while waiting:
        index, ticket = waiting.popleft()
        try:
            waiting.append((index, _advance(wire, jobs[index], ticket)))
        except StopIteration as end:
            outcomes[index] = end.value
        except FarError as error:
            outcomes[index] = error
    return [outcomes[index] for index in range(len(jobs))]


def _advance(wire: Wire, steps: Steps[T], ticket: Ticket | None) -> Ticket:
    try:
        if ticket is not None:
            wire.arrive(ticket)
    except LostError as error:
        return steps.throw(error)  # a delivery may know that it got through all the same
    return next(steps)
