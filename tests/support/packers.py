"""Everything that writes gzip: programs, zlib in all its ways, and deflate written out by hand."""

from __future__ import annotations

import gzip
import itertools
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import member, members, missing

from idxio._native import inflate
from idxio.compression.gzip import part_decoder, reader, span_copier, speculative
from idxio.compression.gzip.sequential import SequentialDecoder


def program(name: str) -> str:
    """The path of a program that the tests need."""
    path = shutil.which(name)
    if path is None:
        missing(f"there is no {name} here")
    return str(path)


def run(*command: Any, data: bytes = b"") -> bytes:
    """What a program makes of data."""
    done = subprocess.run(
        [program(command[0]), *command[1:]], input=data, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def deflate(
    data: bytes,
    level: int = 6,
    strategy: int = 0,
    *,
    memory: int = 8,
    flush: int = 0,
    every: int = 1 << 30,
) -> bytes:
    """A raw deflate stream, flushed after every so many bytes."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15, memory, strategy)
    pieces = []
    for start in range(0, len(data), every):
        pieces.append(deflater.compress(data[start : start + every]))
        if flush:
            pieces.append(deflater.flush(flush))
    return b"".join(pieces) + deflater.flush()


def wrap(stream: bytes, data: bytes, extra: bytes = b"") -> bytes:
    """A gzip member of a deflate stream of data."""
    flags, field = (4, struct.pack("<H", len(extra)) + extra) if extra else (0, b"")
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(5) + b"\xff" + field + stream + trailer


def subfield(name: bytes, data: bytes) -> bytes:
    """A subfield of the extra field."""
    return name + struct.pack("<H", len(data)) + data


def giant_block(data: bytes) -> bytes:
    """One dynamic block of literals alone, of any length: bytes below 254 take 8 bits, the others
    9.
    """
    bits: list[int] = []

    def put(value: int, size: int) -> None:
        bits.extend(value >> i & 1 for i in range(size))

    put(1, 1)  # the last block
    put(2, 2)  # with codes of its own
    put(258 - 257, 5)
    put(1 - 1, 5)
    put(18 - 4, 4)
    lengths = {0: 2, 8: 1, 9: 2}
    for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1):
        put(lengths.get(symbol, 0), 3)
    bits += [0] * 254 + [1, 1] * 4 + [1, 0]  # 254 codes of 8 bits, 4 of 9; no distances
    head = sum(bit << i for i, bit in enumerate(bits))
    # Codes of 8 bits are 0 to 253, those of 9 are 508 to 511; a code's highest bit comes first.
    reverse = np.array([int(f"{i:08b}"[::-1], 2) for i in range(256)], np.uint8)
    values = np.frombuffer(data, np.uint8)
    assert values.max(initial=0) < 254
    body = int.from_bytes(reverse[values].tobytes(), "little")
    end = int(f"{510:09b}"[::-1], 2)  # symbol 256 is the third code of 9 bits
    size = len(bits) + 8 * len(data) + 9
    return (head | body << len(bits) | end << (size - 9)).to_bytes((size + 7) // 8, "little")


def never_heals(size: int, seed: int = 0) -> bytes:
    """Blocks of 16,000 bytes that are the words of the first, shuffled: every byte behind it is
    copied from it.
    """
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 254, (2000, 8), np.uint8)
    order = np.argsort(rng.random((-(-size // words.size), 2000)), axis=1)
    order[0] = np.arange(2000)
    return words[order].tobytes()[:size]


def by_file(*command: str, suffix: str) -> Callable[[bytes], bytes]:
    """A packer by a program that writes a file beside the one it is given."""

    def pack(data: bytes) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "x")
            path.write_bytes(data)
            run(*command, str(path))
            return Path(f"{path}{suffix}").read_bytes()

    return pack


def by_program(*command: str) -> Callable[[bytes], bytes]:
    """A packer by a program that reads from one pipe and writes to another."""
    return lambda data: run(*command, data=data)


def zlib_member(**options: Any) -> Callable[[bytes], bytes]:
    """A packer by zlib."""
    return lambda data: wrap(deflate(data, **options), data)


def _every_flag(data: bytes) -> bytes:
    return member(
        data,
        text=True,
        extra=subfield(b"ab", b"xy"),
        name=b"train",
        comment=b"of a test",
        hcrc=True,
    )


def _odd_members(data: bytes) -> bytes:
    """Members that end inside the header, inside a record, after one byte; empty ones; a tiny last
    one.
    """
    cuts = sorted(
        {min(n, len(data)) for n in (0, 3, 9, 17, 18, 5000, 5001, len(data) // 2, len(data) - 1)}
    )
    return member(b"") + members(data, *cuts) + member(b"") + bytes(3)


PROGRAMS: dict[str, Callable[[bytes], bytes]] = {
    "gzip -1": by_program("gzip", "-1"),
    "gzip -6": by_program("gzip", "-6"),
    "gzip -9": by_program("gzip", "-9"),
    "pigz": by_program("pigz", "-p", "3"),
    "pigz -i": by_program("pigz", "-p", "3", "-i"),
    "pigz -b 32": by_program("pigz", "-p", "3", "-b", "32"),
    "igzip -0": by_program("igzip", "-0"),
    "igzip -3": by_program("igzip", "-3"),
    "bgzip": by_program("bgzip"),
    "dictzip": by_file("dictzip", "-k", suffix=".dz"),
}
KINDS: dict[str, Callable[[bytes], bytes]] = {
    **PROGRAMS,
    "members": lambda data: members(data, *range(0, len(data), 1 + len(data) // 5)),
    "odd members": _odd_members,
    "members and padding": lambda data: members(data, len(data) // 3) + bytes(700),
    "every flag": _every_flag,
    "stored": zlib_member(level=0),
    "fixed": zlib_member(strategy=zlib.Z_FIXED),
    "RLE": zlib_member(strategy=zlib.Z_RLE),
    "Huffman": zlib_member(strategy=zlib.Z_HUFFMAN_ONLY),
    "filtered": zlib_member(strategy=zlib.Z_FILTERED, level=4),
    "small blocks": zlib_member(memory=1),
    "large blocks": zlib_member(memory=9, level=9),
    "sync flush": zlib_member(flush=zlib.Z_SYNC_FLUSH, every=100),
    "full flush": zlib_member(flush=zlib.Z_FULL_FLUSH, every=9999),
    "partial flush": zlib_member(flush=zlib.Z_PARTIAL_FLUSH, every=5001),
    "giant block": lambda data: wrap(giant_block(data), data),
    "mixed": lambda data: wrap(
        # Stored, dynamic and fixed blocks in turn, joined at bytes.
        b"".join(
            _open_end(data[a:b], k)
            for k, (a, b) in enumerate(itertools.pairwise([*range(0, len(data), 7777), len(data)]))
        )
        + b"\3\0",
        data,
    ),
}


def _open_end(data: bytes, k: int) -> bytes:
    deflater = zlib.compressobj(
        (0, 6, 6)[k % 3], zlib.DEFLATED, -15, 8, (0, 0, zlib.Z_FIXED)[k % 3]
    )
    return deflater.compress(data) + deflater.flush(zlib.Z_FULL_FLUSH)


def edges(stream: bytes, data: bytes) -> list[tuple[int, int]]:
    """The places between two blocks of a raw deflate stream: the bit of the stream and the byte of
    its data.
    """
    inflater = inflate.Inflater(b"", 0, 0)
    out = np.empty(len(data) + 1, np.uint8)
    byte = done = 0
    found = [(0, 0)]
    while True:
        status, consumed, produced = inflater.inflate(stream, byte, out, done, 0)
        byte += consumed
        done += produced
        assert status in (inflate.EDGE, inflate.END)
        if status == inflate.END:
            assert out[:done].tobytes() == data
            return found
        found.append((8 * byte - inflater.unused_bits, done))


@contextmanager
def spans_of(target: int, part: int = 1 << 14) -> Iterator[None]:
    """Spans of about target compressed bytes and parts of at least so many, so that small files
    have many.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SequentialDecoder.__init__.__kwdefaults__, "target", target)  # type: ignore[arg-type]
        patch.setattr(part_decoder, "SHORT", min(target, part_decoder.SHORT))
        patch.setattr(part_decoder, "LONG", target)
        for module in (reader, span_copier):
            patch.setattr(module, "WORTH_THREADS", 1)
        patch.setattr(speculative, "SMALLEST_PART", part)
        yield


def unpacked(packed: bytes) -> bytes:
    """By the standard library, which takes any number of members and zero padding."""
    return gzip.decompress(packed)
