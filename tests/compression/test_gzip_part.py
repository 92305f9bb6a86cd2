"""How far a part of a gzip file is, as the threads see it that decode it together."""

import itertools
import threading

import pytest

from idxio.compression.gzip.part import PartState, Stage

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
