"""The dataset card of Parquet files: README.md with the front matter that the Hub reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from ...datasets.classes import Names
from .common import Split, classes_of

CARD = "README.md"

# Identifiers of the Hub, https://huggingface.co/docs/hub/repositories-licenses, that datasets have.
_LICENCES = {
    "apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "wtfpl", "zlib",
    "afl-3.0", "artistic-2.0", "bsl-1.0", "ecl-2.0", "epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2",
    "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0", "mpl-2.0",
    "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0",
    "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "c-uda", "etalab-2.0",
    "odbl", "odc-by", "ofl-1.1", "pddl", "unknown",
}  # fmt: skip
# The Hub's words for how many samples there are, and the count from which on the next one holds.
_SIZES = {
    "n<1K": 1_000, "1K<n<10K": 10_000, "10K<n<100K": 100_000, "100K<n<1M": 1_000_000,
    "1M<n<10M": 10_000_000, "10M<n<100M": 100_000_000, "100M<n<1B": 1_000_000_000,
}  # fmt: skip
# More classes than this are no names for a card; the Parquet files have them.
_MOST_CLASSES = 1_000


def card(
    title: str, splits: Sequence[Split], names: Names | None, about: Mapping[str, str]
) -> bytes:
    """The text of the card.

    about: licence, source, citation and description, as far as they are known.
    """
    head = "\n".join(_front_matter(splits, names, about))
    body = "\n".join(_body(title, splits, about))
    return f"---\n{head}\n---\n\n{body}".encode("utf-8", "backslashreplace")


def _front_matter(
    splits: Sequence[Split], names: Names | None, about: Mapping[str, str]
) -> Iterator[str]:
    """The lines of YAML. Texts are in the form of JSON, which is YAML too.

    The counts of splits are left out: datasets 5.2 takes them with the bytes in memory only.
    """
    if licence := about.get("licence"):
        yield from _licence(licence)
    yield "task_categories:"
    yield "- image-classification"
    count = sum(len(split.images) for split in splits)
    size = next((word for word, most in _SIZES.items() if count < most), "n>1T")
    yield f"size_categories:\n- {size}"
    yield "configs:\n- config_name: default\n  data_files:"
    for split in splits:
        yield f"  - split: {_text(split.name)}\n    path: {_text(f'{split.name}-*.parquet')}"
    # As the Parquet files state them. Without names, those alone do.
    last = max([int(classes_of(split).max(initial=0)) for split in splits])
    if names and last <= max(names) < _MOST_CLASSES:
        yield "dataset_info:\n  features:\n  - name: image\n    dtype: image\n  - name: label"
        yield "    dtype:\n      class_label:\n        names:"
        for label in range(max(names) + 1):
            yield f"          '{label}': {_text(names.get(label, str(label)))}"


def _licence(licence: str) -> Iterator[str]:
    """A licence as the Hub has it; one that it does not know is another one, of that name."""
    words = [word.lower() for word in licence.split(" AND ")]
    if all(word in _LICENCES for word in words):
        yield "license:"
        yield from (f"- {word}" for word in words)
        return
    yield "license: other"
    name = re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-")
    yield f"license_name: {_text(name[:80] or 'other')}"


def _body(title: str, splits: Sequence[Split], about: Mapping[str, str]) -> Iterator[str]:
    yield f"# {' '.join(title.split())}\n"
    if description := about.get("description"):
        yield f"{description}\n"
    shape = " x ".join(map(str, splits[0].images.shape[1:]))
    parts = ", ".join(f"{len(split.images):,} of {split.name}" for split in splits)
    yield f"Pictures of {shape} pixels: {parts}.\n"
    for key in ("source", "licence"):
        if key in about:
            yield f"## {key.capitalize()}\n\n{about[key]}\n"
    if citation := about.get("citation"):
        fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", citation))])
        yield f"## Citation\n\n{fence}\n{citation}\n{fence}\n"


def _text(text: str) -> str:
    return json.dumps(text)
