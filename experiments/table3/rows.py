"""The rows of the paper's table, as rows.tsv has them."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("rows.tsv")


@dataclass(frozen=True)
class Row:
    """One configuration of one classifier."""

    name: str
    """As the command takes it: ``SVC:C=10,kernel=rbf``."""
    classifier: str
    parameters: dict[str, Any]
    """As the paper gives them."""
    paper: float
    """The paper's mean test accuracy on Fashion-MNIST."""
    seconds: float
    """About the processor time of one repetition, to order the rows by."""


def table() -> list[Row]:
    """All of them, in the paper's order."""
    with _TABLE.open(newline="") as file:
        return [_row(line) for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def select(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows that have one of these names, or whose classifier has; all for no names."""
    known = {row.name for row in rows} | {row.classifier for row in rows}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(
            f"no row or classifier {unknown[0]!r} in the paper's table; --list shows them"
        )
    return [row for row in rows if not names or row.name in names or row.classifier in names]


def _row(line: dict[str, str]) -> Row:
    text = line["parameters"].replace(", ", ",")
    parameters = {key: _value(value) for key, value in re.findall(r"(\w+)=(\S+)", text)}
    name = f"{line['classifier']}:{text.replace(' ', ',')}"
    return Row(name, line["classifier"], parameters, float(line["paper"]), float(line["seconds"]))


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except ValueError:
        return text  # a word
