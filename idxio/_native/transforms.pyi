from typing import final

@final
class Kernel: ...

def flip(
    key: int, below: int, groups: int, items: int, size: int, then: Kernel | None = None
) -> Kernel: ...
