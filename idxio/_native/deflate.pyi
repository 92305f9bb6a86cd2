from typing import final

from typing_extensions import Buffer

@final
class Encoder:
    chunk: int
    def __new__(cls, level: int, chunk: int) -> Encoder: ...
    def bound(self, size: int) -> int: ...
    def encode(self, data: Buffer, out: Buffer, sizes: Buffer) -> int: ...
