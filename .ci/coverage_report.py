"""Prints what coverage.py and gcov counted: python coverage_report.py PYTHON.json C.json

The totals, and the files in which most is missing. Of C, the files that people wrote: what Cython
makes of a .pyx is mostly its own.
"""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

SHOWN = 15


def of_python(path):
    """Of each file: what ran of its lines and branches, and how many there are."""
    for name, file in json.loads(Path(path).read_text())["files"].items():
        sums = file["summary"]
        yield (
            name,
            (sums["covered_lines"], sums["num_statements"]),
            (sums["covered_branches"], sums["num_branches"]),
        )


def of_c(path):
    """The same by gcov, whose output has a document a line for each object file."""
    lines = defaultdict(Counter)
    for document in Path(path).read_text().splitlines():
        for file in json.loads(document)["files"] if document.strip() else ():
            # Cython works on a copy of the folder.
            name = Path("idxio/_native", Path(file["file"]).name)
            if "idxio/_native/" in file["file"] and name.suffix in (".c", ".h") and name.exists():
                for line in file["lines"]:
                    lines[str(name)][line["line_number"]] += line["count"]
    for name, counts in lines.items():
        yield name, (sum(1 for n in counts.values() if n), len(counts)), (0, 0)


def share(ran, there):
    """In percent."""
    return 100 * ran / there if there else 100.0


def text(name, lines, branches):
    """A line of the report."""
    told = f"{share(*lines):6.1f} %  {lines[0]:6,} of {lines[1]:6,} lines"
    if branches[1]:
        told += f"  {share(*branches):6.1f} %  {branches[0]:5,} of {branches[1]:5,} branches"
    return f"{told:75}  {name}"


def total(files):
    """The sums of all files, as one."""
    sums = [
        [sum(numbers) for numbers in zip(*column, strict=True)] or [0, 0]
        for column in ([file[1] for file in files], [file[2] for file in files])
    ]
    return sums[0], sums[1]


def main():
    python, native = sys.argv[1:]
    found = {"Python": [*of_python(python)], "C": [*of_c(native)]}
    for kind, files in found.items():
        print(text(kind, *total(files)))
    print(f"\nthe {SHOWN} files of which most is missing:")
    every = [file for files in found.values() for file in files]
    every.sort(key=lambda file: share(*(a + b for a, b in zip(file[1], file[2], strict=True))))
    for file in every[:SHOWN]:
        print(text(*file))


if __name__ == "__main__":
    main()
