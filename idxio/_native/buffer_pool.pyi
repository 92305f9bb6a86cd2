from typing import final

@final
class BufferPool:
    def __new__(cls, nbytes: int) -> BufferPool: ...
    def take(self) -> Block: ...

@final
class Block:
    def __buffer__(self, flags: int, /) -> memoryview: ...  # a method from Python 3.12 on
