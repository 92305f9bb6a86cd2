from typing_extensions import Buffer

MAX: int
VERSION: int

def key(*numbers: int) -> int: ...
def permute(key: int, n: int, positions: Buffer, out: Buffer) -> None: ...
def permute_each(
    key: int, counts: Buffer, which: Buffer, positions: Buffer, out: Buffer
) -> None: ...
