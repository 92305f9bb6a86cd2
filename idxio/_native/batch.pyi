from typing_extensions import Buffer

def gather(source: Buffer, row: int, ids: Buffer, out: Buffer) -> None: ...
def gather_affine(
    source: Buffer,
    row: int,
    elements: int,
    kind: int,
    swapped: bool,
    ids: Buffer,
    out: Buffer,
    double: bool,
    scale: Buffer,
    shift: Buffer,
) -> None: ...
