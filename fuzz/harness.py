"""The command line of the fuzz targets in Python.

python fuzz/TARGET.py CORPUS [OPTION OF LIBFUZZER ...]    find new inputs; needs atheris
python fuzz/TARGET.py --replay FOLDER                     run each input of a folder once
python fuzz/TARGET.py --seeds FOLDER                      write inputs to begin with
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def main(one_input: Callable[[bytes], None], seeds: Callable[[], dict[str, bytes]]) -> None:
    """Run one_input, which raises what is wrong, as the command line says."""
    if sys.argv[1:2] == ["--replay"]:
        paths = sorted(path for path in Path(sys.argv[2]).rglob("*") if path.is_file())
        for path in paths:
            try:
                one_input(path.read_bytes())
            except BaseException:
                print(f"failed: {path}", file=sys.stderr)
                raise
        print(f"{len(paths)} inputs replayed")
        sys.exit(not paths)
    if sys.argv[1:2] == ["--seeds"]:
        for name, data in seeds().items():
            one_input(data)
            Path(sys.argv[2], name).write_bytes(data)
        return
    import atheris

    sys.argv[0] = f"{sys.executable} {sys.argv[0]}"  # what libFuzzer starts again to merge
    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
