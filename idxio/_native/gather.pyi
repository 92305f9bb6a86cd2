from typing import final

from typing_extensions import Buffer

from .transforms import Kernel

KINDS: tuple[str, ...]

@final
class Gather:
    def run(self) -> None: ...

def gather(
    source: Buffer,
    row: int,
    ids: Buffer,
    out: Buffer,
    swapped: int = 0,
    transforms: Kernel | None = None,
    positions: Buffer | None = None,
) -> Gather: ...
def gather_affine(
    source: Buffer,
    kind: int,
    swapped: bool,
    ids: Buffer,
    out: Buffer,
    to_double: bool,
    elements: int,
    scale: Buffer,
    shift: Buffer,
    transforms: Kernel | None = None,
    positions: Buffer | None = None,
) -> Gather: ...
def copy_parts(
    data: Buffer, offsets: Buffer, sizes: Buffer, targets: Buffer, out: Buffer
) -> None: ...
