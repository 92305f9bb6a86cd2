from typing_extensions import Buffer

KINDS: tuple[str, ...]

def gather(source: Buffer, row: int, ids: Buffer, out: Buffer, swapped: int = 0) -> None: ...
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
) -> None: ...
