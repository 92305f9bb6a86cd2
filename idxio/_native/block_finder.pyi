from typing_extensions import Buffer

MARGIN: int

def find_block(data: Buffer, start: int, stop: int) -> int: ...
