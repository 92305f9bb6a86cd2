from typing import final

from typing_extensions import Buffer

MORE: int
END: int
BAD: int
NO_SPACE: int
EDGE: int
ROOM: int
SPARE: int
SLACK: int
PROOF: int

def versions() -> tuple[str, str | None, str | None]: ...
def crc32(data: Buffer, crc: int = 0) -> int: ...
def crc32_combine(first: int, second: int, size: int) -> int: ...
def crc32_join(crcs: Buffer, sizes: Buffer) -> int: ...

@final
class Decoder:
    def inflate(
        self, data: Buffer, data_start: int, out: Buffer, out_start: int
    ) -> tuple[int, int, int]: ...
    def inflate_span(
        self,
        data: Buffer,
        start: int,
        stop: int,
        out: Buffer,
        out_start: int,
        window: int,
        prove: bool = False,
    ) -> tuple[int, int, int]: ...
    def inflate_fronts(
        self,
        data: Buffer,
        starts: Buffer,
        windows: Buffer,
        edges: Buffer,
        lengths: Buffer,
        crcs: Buffer,
        scratch: Buffer,
        counts: Buffer,
        offsets: Buffer,
        sizes: Buffer,
        targets: Buffer,
        out: Buffer,
    ) -> int: ...

@final
class Inflater:
    def __new__(cls, window: Buffer, bits: int, value: int) -> Inflater: ...
    @property
    def message(self) -> str: ...
    @property
    def unused_bits(self) -> int: ...
    def inflate(
        self, data: Buffer, data_start: int, out: Buffer, out_start: int, edge: int
    ) -> tuple[int, int, int]: ...
