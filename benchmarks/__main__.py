"""The command: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from . import (
    compression_roads,
    compression_spans,
    convert_build,
    convert_formats,
    core_import,
    core_memory,
    core_open,
    core_read,
    core_write,
    datasets_check,
    datasets_fetch,
    datasets_sort,
    loader_augment,
    loader_batches,
    loader_windows,
    machine,
    report,
    storage_remote,
)
from .c_baseline import Floor
from .files import DEFAULT_DATA, Files
from .harness import MIN_ROUNDS, Group, Measured, Row, WrongError, check, measure
from .remote_server import RemoteServer
from .targets import judge


def main(arguments: list[str] | None = None) -> int:
    """0 when everything was measured, also if a target is missed or a peer is missing; 1 for a
    wrong result.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    command = shlex.join(["python", "-m", "benchmarks", *arguments])
    # On a disk: writing to memory would make fsync free.
    with tempfile.TemporaryDirectory(prefix="idxio-benchmarks-", dir=options.directory) as name:
        folder = Path(name)
        _progress("make the files")
        files = Files(options.data, folder)
        floor = Floor(folder, files.gz)
        data = loader_batches.Data(files)
        server = RemoteServer(folder)
        try:
            groups = [
                *core_read.groups(files, floor),
                *core_open.groups(files),
                *core_write.groups(files),
                *core_import.groups(folder),
                *core_memory.groups(files, floor),
                *compression_roads.groups(files),
                *compression_spans.groups(files, floor),
                *datasets_sort.groups(files),
                *loader_batches.groups(data),
                *loader_augment.groups(data),
                *loader_windows.groups(files),
                *datasets_check.groups(options.data),
                *datasets_fetch.groups(options.data),
                *convert_build.groups(files),
                *convert_formats.groups(files),
                *storage_remote.groups(files, server),
            ]
            if unknown := set(options.only) - {group.name for group in groups}:
                names = ", ".join(group.name for group in groups)
                raise SystemExit(f"no group {', '.join(sorted(unknown))}; there are {names}")
            facts = machine.facts(folder, floor)
            groups = [group for group in groups if not options.only or group.name in options.only]
            if len(groups) == 1:
                measured = [
                    measure(groups[0], check(groups[0], _progress), options.rounds, _progress)
                ]
            else:
                measured = [_apart(group, options, folder / "group.json") for group in groups]
        except WrongError as error:
            _progress("")
            print(f"WRONG RESULT, nothing is reported: {error}", file=sys.stderr)
            return 1
        finally:
            floor.close()
            data.floor.close()
            server.close()
    _progress("")
    verdicts = judge(measured)
    print(report.as_text(facts, measured, verdicts))
    if options.json is not None:
        options.json.write_text(report.as_json(command, facts, measured, verdicts))
    if options.markdown is not None:
        options.markdown.write_text(report.as_markdown(command, facts, measured, verdicts))
    return 0


def _apart(group: Group, options: argparse.Namespace, result: Path) -> Measured:
    """Measure a group in a process of its own: what one has left in the allocator makes another
    faster.
    """
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--only",
        group.name,
        "--rounds",
        str(options.rounds),
    ]
    command += ["--data", str(options.data), "--json", str(result)]
    if options.directory is not None:
        command += ["--directory", str(options.directory)]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        raise WrongError(f"{group.name}: see above")
    (found,) = json.loads(result.read_text())["groups"]
    rows = [Row(row["name"], row.get("samples", []), row.get("missing")) for row in found["rows"]]
    return Measured(group, found["rounds"], rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure idxio beside its peers on the real Fashion-MNIST.",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="GROUP", help="this group; may be repeated"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=21,
        help=f"how often each contestant runs (21; a target is judged by {MIN_ROUNDS} or more)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write everything, with all samples"
    )
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the tables, for docs/benchmarks.md"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DEFAULT_DATA,
        help="the folder of Fashion-MNIST's four .gz files",
    )
    parser.add_argument(
        "--directory", type=Path, help="where to make the files; a disk, not memory"
    )
    return parser


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
