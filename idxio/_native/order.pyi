from typing_extensions import Buffer

VERSION: int

def permute(seed: int, epoch: int, n: int, positions: Buffer, out: Buffer) -> None: ...
