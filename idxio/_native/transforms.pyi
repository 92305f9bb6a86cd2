from typing import final

@final
class Transform: ...

def flip(
    key: int, below: int, groups: int, items: int, size: int, then: Transform | None = None
) -> Transform: ...
