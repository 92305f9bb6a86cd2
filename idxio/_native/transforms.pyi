from typing import final

from typing_extensions import Buffer

MOST_PLACES: int

@final
class Kernel: ...

def flip(
    key: int, below: int, groups: int, items: int, size: int, then: Kernel | None = None
) -> Kernel: ...
def crop(
    key: int,
    shape: tuple[int, int, int, int],
    size: tuple[int, int],
    margins: tuple[int, int, int, int],
    fill: Buffer,
    then: Kernel | None = None,
) -> Kernel: ...
def erase(
    key: int,
    below: int,
    shape: tuple[int, int, int, int],
    share: tuple[float, float],
    ratio: tuple[float, float],
    value: Buffer,
    then: Kernel | None = None,
) -> Kernel: ...
def warp(
    key: int,
    shape: tuple[int, int, int, int, int],
    angle: tuple[float, float],
    zoom: tuple[float, float],
    shift: tuple[float, float],
    kind: int,
    swapped: bool,
    then: Kernel | None = None,
) -> Kernel: ...
