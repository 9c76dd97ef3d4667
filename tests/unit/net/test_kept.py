"""A kept login: used again while it lives, made anew when it is dead, left alone after refusals."""

from __future__ import annotations

import pytest

from agent.net.kept import Kept
from agent.net.patience import WaitingError


class RefusedError(Exception):
    """The far side did not want us."""


class Login:
    """Lives until it is told otherwise."""

    def __init__(self):
        self.alive, self.closed = True, 0

    def close(self):
        """Count."""
        self.closed += 1


class Door:
    """Makes logins, or refuses."""

    def __init__(self):
        self.refuses, self.made, self.now = False, [], 0.0
        self.kept = Kept(self.connect, lambda login: login.alive, (RefusedError,), lambda: self.now)

    def connect(self):
        """Make one."""
        if self.refuses:
            raise RefusedError
        self.made.append(Login())
        return self.made[-1]


def test_one_that_lives_is_used_again():
    """No second one is made."""
    door = Door()
    assert door.kept.get() is door.kept.get()
    assert (len(door.made), door.kept.is_open) == (1, True)


def test_a_dead_one_is_let_go_of_before_a_new_one_is_made():
    """Nothing of it is left open."""
    door = Door()
    first = door.kept.get()
    first.alive = False
    second = door.kept.get()
    assert (second is first, first.closed, second.closed) == (False, 1, 0)


def test_it_is_closed_once():
    """However often it is said; the next use makes a new one."""
    door = Door()
    first = door.kept.get()
    door.kept.close()
    door.kept.close()
    assert (first.closed, door.kept.is_open) == (1, False)
    assert door.kept.get() is not first


def test_after_three_refusals_it_waits():
    """Servers lock accounts; an hour later it is tried again, and a success clears all."""
    door = Door()
    door.refuses = True
    for _ in range(3):
        with pytest.raises(RefusedError):
            door.kept.get()
    door.refuses = False
    with pytest.raises(WaitingError):
        door.kept.get()
    door.now = 3600.0
    assert door.kept.get() is door.made[0]
