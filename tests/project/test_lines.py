"""No line of the code is longer than 100 columns; ruff sees to those of Python alone."""

import os
from pathlib import Path

LONGEST = 100
SUFFIXES = {".py", ".pyi", ".pyx", ".pxd", ".c", ".h"}
# Measurements, with lines that are read as they stand.
EXEMPT = "benchmarks/*.py"


def sources(root):
    """The code of a source tree, but for tests."""
    for folder in ("idxio", "fuzz", "benchmarks", "examples"):
        for path in sorted(Path(root, folder).rglob("*")):
            if path.suffix in SUFFIXES and not path.match(EXEMPT):
                yield path


def test_no_line_is_longer_than_100_columns(request):
    # Where the tests run beside a wheel, which holds no C, `./run test` tells where the source is.
    files = list(sources(os.environ.get("IDXIO_SOURCE") or request.config.rootpath))
    assert {path.suffix for path in files} == SUFFIXES
    long = [
        f"{path}:{number}: {len(line)} columns"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert not long, "\n".join(long)
