from typing import final

from typing_extensions import Buffer

MORE: int
END: int
BAD: int
NO_SPACE: int

def versions() -> tuple[str, str | None]: ...
def crc32(data: Buffer, crc: int = 0) -> int: ...
def crc32_combine(first: int, second: int, size: int) -> int: ...
@final
class Decoder:
    def inflate(self, data: Buffer, data_start: int, out: Buffer, out_start: int) -> tuple[int, int, int]: ...

@final
class Inflater:
    @property
    def message(self) -> str: ...
    def inflate(self, data: Buffer, data_start: int, out: Buffer) -> tuple[int, int, int]: ...
