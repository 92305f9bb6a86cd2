"""The command idxio."""


def main() -> int:
    return 0
