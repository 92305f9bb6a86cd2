"""How far a part of a gzip file is, as the threads see it that decode it together."""

import itertools
import threading
import zlib

import numpy as np
import pytest

from idxio._native import inflate
from idxio.compression.gzip.members import Segment
from idxio.compression.gzip.part import FailedError, Part, PartOutput, PartSpan, PartState, Stage
from idxio.compression.gzip.part_decoder import PartDecoder, Round, decode_span
from idxio.compression.gzip.part_mover import PartMover
from idxio.compression.gzip.sequential import SequentialDecoder
from idxio.compression.gzip.span_index import WINDOW
from idxio.storage.source import open_source

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


# A part that heals the next one twice
# ------------------------------------------------------------------------------------


def parts_of_a_stream(lock):
    """A decoder of a part, the next part as it was decoded behind zeros, and its CRC-32s then.

    The next part has a span that copies the window, one that copies that, and one of noise.
    """
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, 3 * WINDOW, np.uint8).tobytes()
    window, last = noise[:WINDOW], noise[WINDOW:]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packer.compress(window) + packer.flush(zlib.Z_SYNC_FLUSH)
    pieces = [window[1000:32000], window[1000:17000], last]
    edges = [8 * len(stream)]
    for piece in pieces:
        stream += packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
        edges.append(8 * len(stream))
    source = open_source(stream + bytes(64))
    outputs = [PartOutput(np.zeros(WINDOW + 6 * WINDOW, np.uint8), WINDOW) for _ in range(2)]
    parts = [Part(number, 0, PartState(lock), output) for number, output in enumerate(outputs, 1)]
    outputs[0].length = WINDOW
    theirs, decoder = outputs[1], inflate.Decoder()
    sequential = SequentialDecoder(source, bit=edges[0], history=WINDOW)
    for piece, (bit, stop) in zip(pieces, itertools.pairwise(edges), strict=True):
        start = WINDOW + theirs.length
        span = PartSpan(bit, stop, Segment(len(piece), None), 0)
        memory = theirs.memory[: start + len(piece)]
        decode_span(sequential.input, decoder, span, memory, start, WINDOW)
        theirs.add(bit, stop, span.segment)
    parts[1].state.rise(Stage.DECODED)
    this = Round(source, parts, False, 0, PartMover(np.zeros(0, np.uint8), 0, parts))
    return PartDecoder(this, parts[0], sequential), parts[1]


def test_a_second_healing_leaves_nothing_of_the_first(lock):
    decoder, following = parts_of_a_stream(lock)
    ours, theirs = decoder.part.output, following.output
    guessed = [span.crc for span in theirs.spans]
    ours.tail(ours.length)[:] = 7  # wrong: it takes until the noise to come right
    decoder._decode_front(following)
    assert theirs.healed == 3
    assert [span.crc for span in theirs.true_spans()] != guessed
    ours.tail(ours.length)[:] = 0  # what was guessed: the first span shows that already
    decoder._decode_front(following)
    assert (theirs.healed, theirs.front, ours.reach) == (1, 31000, WINDOW + 31000)
    assert [span.crc for span in theirs.true_spans()] == guessed
