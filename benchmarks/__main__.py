"""The command: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path

from . import batches, converting, datasets, importing, machine, memory, opening, reading, report, spans, writing
from .files import DEFAULT_DATA, Files
from .floor import Floor
from .harness import MIN_ROUNDS, WrongError, check, measure
from .targets import judge


def main(arguments: list[str] | None = None) -> int:
    """0 when everything was measured, also if a target is missed or a peer is missing; 1 for a wrong result."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    command = shlex.join(["python", "-m", "benchmarks", *arguments])
    # On a disk: writing to memory would make fsync free.
    with tempfile.TemporaryDirectory(prefix="idxio-benchmarks-", dir=options.directory) as name:
        folder = Path(name)
        _progress("make the files")
        files = Files(options.data, folder)
        floor = Floor(folder, files.gz)
        data = batches.Data(files)
        try:
            groups = [
                *reading.groups(files, floor),
                *opening.groups(files),
                *writing.groups(files),
                *importing.groups(folder),
                *memory.groups(files, floor),
                *spans.groups(files, floor),
                *batches.groups(data),
                *datasets.groups(files),
                *converting.groups(files),
            ]
            if unknown := set(options.only) - {group.name for group in groups}:
                names = ", ".join(group.name for group in groups)
                raise SystemExit(f"no group {', '.join(sorted(unknown))}; there are {names}")
            facts = machine.facts(folder, floor)
            groups = [group for group in groups if not options.only or group.name in options.only]
            # All before the first is measured: a wrong result is known at once.
            checked = [check(group, _progress) for group in groups]
            measured = [
                measure(group, rows, options.rounds, _progress) for group, rows in zip(groups, checked, strict=True)
            ]
        except WrongError as error:
            _progress("")
            print(f"WRONG RESULT, nothing is reported: {error}", file=sys.stderr)
            return 1
        finally:
            floor.close()
            data.floor.close()
    _progress("")
    verdicts = judge(measured)
    print(report.as_text(facts, measured, verdicts))
    if options.json is not None:
        options.json.write_text(report.as_json(command, facts, measured, verdicts))
    if options.markdown is not None:
        options.markdown.write_text(report.as_markdown(command, facts, measured, verdicts))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure idxio beside its peers on the real Fashion-MNIST."
    )
    parser.add_argument("--only", action="append", default=[], metavar="GROUP", help="this group; may be repeated")
    parser.add_argument(
        "--rounds",
        type=int,
        default=21,
        help=f"how often each contestant runs (21; a target is judged by {MIN_ROUNDS} or more)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything, with all samples")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables, for docs/benchmarks.md")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="the folder of Fashion-MNIST's four .gz files")
    parser.add_argument("--directory", type=Path, help="where to make the files; a disk, not memory")
    return parser


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
