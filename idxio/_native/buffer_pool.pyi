from typing import final

@final
class Pool:
    def __new__(cls, nbytes: int) -> Pool: ...
    def take(self) -> Block: ...

@final
class Block:
    def __buffer__(self, flags: int, /) -> memoryview: ...  # a method from Python 3.12 on
