"""The command: ``python -m experiments.table3``."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from benchmarks.files import DEFAULT_DATA

from . import causes, page, running
from .results import Results, read
from .rows import select, table

DEFAULT_RESULTS = Path(__file__).with_name("results.jsonl")
DEFAULT_STAGES = Path.home() / ".cache" / "idxio-table3"


def main(arguments: list[str] | None = None) -> int:
    """Run rows, list them, or write the page."""
    options = _parser().parse_args(arguments)
    rows = select(table(), options.rows)
    if options.list:
        for row in rows:
            print(f"{row.paper:.3f}  {row.name}")
        return 0
    if options.page is not None:
        options.page.write_text(page.as_markdown(rows, read(options.results), read(causes.RESULTS)))
        return 0
    if find_spec("sklearn") is None:
        raise SystemExit("scikit-learn is missing: pip install 'idxio[bench]'")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no repetition runs on alone
    deadline = time.time() + options.hours * 3600
    with closing(Results(options.results)) as results:
        running.run(
            running.jobs(rows),
            running.load(options.data),
            results,
            options.stages,
            options.jobs,
            deadline,
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.table3",
        description=(
            "Run Table 3 of the Fashion-MNIST paper again. A run goes on where the last one ended."
        ),
    )
    parser.add_argument(
        "rows",
        nargs="*",
        metavar="ROW",
        help="a row's name or a classifier's; all if none is given",
    )
    parser.add_argument(
        "--list", action="store_true", help="show the paper's accuracy and the rows' names"
    )
    parser.add_argument("--hours", type=float, default=1, help="how long to run at most (1)")
    parser.add_argument(
        "--jobs", type=int, default=1, help="how many repetitions at a time, one core each (1)"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=DEFAULT_RESULTS,
        help="the file that the results are added to",
    )
    parser.add_argument(
        "--stages",
        type=Path,
        default=DEFAULT_STAGES,
        help="the folder that unfinished fits are kept in",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DEFAULT_DATA,
        help="the folder of Fashion-MNIST's four .gz files",
    )
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="write the page of the results instead"
    )
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
