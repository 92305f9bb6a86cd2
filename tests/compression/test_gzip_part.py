"""How far a part of a gzip file is, as the threads see it that decode it together."""

import itertools
import threading

import numpy as np
import pytest

from idxio.compression.gzip.members import Segment
from idxio.compression.gzip.part import FailedError, Part, PartOutput, PartState, Stage
from idxio.compression.gzip.part_mover import PartMover

STAGES = list(Stage)


@pytest.fixture
def lock():
    return threading.Lock()


def state_at(stage, lock):
    state = PartState(lock)
    state.rise(stage)
    assert state.stage is stage
    return state


@pytest.mark.parametrize(("now", "to"), list(itertools.product(STAGES, STAGES)))
def test_stages_only_rise(now, to, lock):
    state = state_at(now, lock)
    state.rise(to)
    assert state.stage is max(now, to)


@pytest.mark.parametrize("stage", STAGES)
def test_any_part_can_be_dropped_and_stays_so(stage, lock):
    state = state_at(stage, lock)
    state.drop()
    assert state.is_dropped
    state.begin(5)
    state.rise(Stage.HEALED)
    assert state.is_dropped


def test_the_reason_is_kept(lock):
    state = PartState(lock)
    state.drop(MemoryError())
    state.drop()  # an interrupt, later
    assert isinstance(state.error, MemoryError)


def test_a_start_is_there_with_its_stage(lock):
    state = PartState(lock)
    assert state.start is None
    state.begin(123)
    assert (state.stage, state.start) == (Stage.DECODING, 123)


@pytest.mark.parametrize("stage", STAGES)
def test_a_dropped_part_drops_no_other(stage, lock):
    state, passed = state_at(stage, lock), PartState(lock)
    state.drop_passed(passed)
    assert passed.is_dropped == (stage is not Stage.DROPPED)


@pytest.mark.parametrize("stage", STAGES[1:])
@pytest.mark.parametrize("wanted", STAGES)
def test_waiting(stage, wanted, lock):
    """A thread waits for a stage until it comes, or the part is dropped, and no longer."""
    state, waited = PartState(lock), threading.Event()

    def wait():
        state.wait_for(wanted)
        waited.set()

    thread = threading.Thread(target=wait)
    thread.start()
    state.rise(stage)
    if stage < wanted:
        assert not waited.wait(0.02)
        state.drop()
    thread.join(60)
    assert waited.is_set()


# Parts with their bytes, moved into place
# ------------------------------------------------------------------------------------

BASE, SIZE = 32768, 3 << 20


def part_of(number, lock, fill, out):
    """A part of SIZE bytes, decoded; the first one in place."""
    memory, base = (out, 0) if number == 0 else (np.zeros(BASE + 2 * SIZE, np.uint8), BASE)
    output = PartOutput(memory, base)
    memory[base : base + SIZE] = fill
    output.add(0, 0, Segment(SIZE, None))
    output.reach = SIZE
    part = Part(number, 0, PartState(lock), output)
    part.state.rise(Stage.DECODED)
    return part


@pytest.mark.parametrize("dropped", [None, 1, 2])
@pytest.mark.parametrize("threads", [1, 3])
def test_parts_are_moved_behind_each_other(threads, dropped, lock):
    alive = [number for number in range(4) if number != dropped]
    out = np.zeros(len(alive) * SIZE, np.uint8)
    parts = [part_of(number, lock, number + 1, out) for number in range(4)]
    for before, part in itertools.pairwise([parts[number] for number in alive]):
        # the guess spoilt the front, which the part before has behind its own bytes
        output, theirs = before.output, part.output
        theirs.front = 70_000
        theirs.memory[BASE : BASE + theirs.front] = 99
        end = output.base + SIZE
        output.memory[end : end + theirs.front] = part.number + 1
        output.reach = SIZE + theirs.front
    mover = PartMover(out, 0, parts)
    helpers = [threading.Thread(target=mover.move) for _ in range(threads)]
    for helper in helpers:
        helper.start()
    for part in parts[::-1]:
        if part.number == dropped:
            part.state.drop()
        else:
            part.state.rise(Stage.HEALED)
    for helper in helpers:
        helper.join(60)
    assert (out == np.repeat([number + 1 for number in alive], SIZE)).all()


def test_parts_that_are_too_long_are_refused(lock):
    out = np.zeros(2 * SIZE - 1, np.uint8)
    parts = [part_of(number, lock, 1, out) for number in range(2)]
    for part in parts:
        part.state.rise(Stage.HEALED)
    with pytest.raises(FailedError):
        PartMover(out, 0, parts).move()


def test_a_tail_is_the_last_window(lock):
    output = part_of(1, lock, 1, np.zeros(0, np.uint8)).output
    output.memory[BASE + 10] = 5
    assert len(output.tail(11)) == BASE
    assert output.tail(11)[-1] == 5
    assert len(PartOutput(np.zeros(100, np.uint8), 0).tail(7)) == 7  # a file has none before
