"""ForkGuard tells a forked child from the process that created the guard."""

import os

from idxio._util.fork import ForkGuard


def forked(function):
    """What a function returns, 0 or 1, in a forked child."""
    pid = os.fork()
    if pid == 0:
        os._exit(function())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_child_is_told_from_its_parent():
    guard = ForkGuard()
    assert not guard.in_child()
    assert forked(guard.in_child) == 1
    assert not guard.in_child()


def test_a_guard_created_in_a_child_belongs_to_it():
    assert forked(lambda: ForkGuard().in_child()) == 0
