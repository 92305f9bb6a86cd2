"""Parquet as the Hugging Face Hub has pictures: a column `image` of bytes and path, a column
`label`.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._util.types import Array
from ...datasets.classes import as_names
from ...datasets.metadata import from_json
from ...errors import FormatError, naming
from ...storage.regular import open_regular
from ...storage.targets import atomic_write
from . import png
from .common import Blocks, Split, agreed_names, check_pictures, classes_of, each, images_of

if TYPE_CHECKING:
    import pyarrow

# Pictures that are read at a time.
_ROWS = 256
# More labels are no classes that have names.
_MOST_CLASSES = 100_000


def need_pyarrow() -> None:
    """Raise an ImportError that says what to install, unless pyarrow is there."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"parquet needs pyarrow: pip install 'idxio[parquet]' ({error})"
        ) from None


def write_parquet(folder: str, split: Split, threads: int, step: Callable[[int], None]) -> None:
    """Write `<split>-00000-of-00001.parquet`, with the features that Hugging Face's datasets reads
    from it.
    """
    import pyarrow
    import pyarrow.parquet

    check_pictures(split, "Parquet")
    labels = classes_of(split)
    schema = _schema(split, int(labels.max(initial=0)) + 1)
    path = os.path.join(folder, f"{split.name}-00000-of-00001.parquet")
    with atomic_write(path) as output, pyarrow.parquet.ParquetWriter(output, schema) as writer:
        for start, block in images_of(split):
            pictures = [{"bytes": data, "path": None} for data in each(png.encode, block, threads)]
            columns = [
                pyarrow.array(pictures, schema.field("image").type),
                pyarrow.array(labels[start : start + len(block)]),
            ]
            writer.write_table(pyarrow.table(columns, schema=schema))
            step(len(block))


def _schema(split: Split, classes: int) -> pyarrow.Schema:
    """Make the columns with the features of `datasets`, which else leaves pictures as bytes."""
    import pyarrow

    known = split.class_names or {}
    classes = max([classes, *(i + 1 for i in known)])
    label: dict[str, Any] = {"dtype": "int64", "_type": "Value"}
    if classes <= _MOST_CLASSES:
        label = {"names": [known.get(i, str(i)) for i in range(classes)], "_type": "ClassLabel"}
    features = {"image": {"_type": "Image"}, "label": label}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    if known:  # exactly these: the features have one for each number up to the last label
        metadata["idxio"] = json.dumps({"class_names": known})
    return pyarrow.schema(
        [
            ("image", pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])),
            ("label", pyarrow.int64()),
        ],
        metadata,
    )


def parquet_names(paths: list[str]) -> dict[int, str] | None:
    """The names of the classes of some files; FormatError if one numbers them in another way than
    the others.
    """
    return agreed_names([(path, _class_names(path)) for path in paths])


def _class_names(path: str) -> dict[int, str] | None:
    """Read the class names from the metadata of a file; None if they are only the numbers.

    Where those of idxio are damaged, the features of the Hub still have the names.
    """
    with _reading(path) as file:
        metadata = file.schema_arrow.metadata or {}
    damage = None
    if b"idxio" in metadata:
        try:
            names = as_names(from_json(metadata[b"idxio"])["class_names"])
        except (TypeError, ValueError, KeyError, RecursionError) as error:
            damage = error
        else:
            _check_agreed(names, _listed_names(metadata, path), path)
            return names
    listed = _listed_names(metadata, path)
    if damage is not None and not listed:
        raise _unreadable("idxio", damage, path) from damage
    names = dict(enumerate(listed))
    return None if all(name == str(i) for i, name in names.items()) else names


def _check_agreed(names: dict[int, str], listed: list[str], path: str) -> None:
    """Raise unless the features of the Hub, if they list names, have those of idxio."""
    features = dict(enumerate(listed))
    for label, name in names.items():
        # features have none below 0
        if listed and label >= 0 and features.get(label) != name:
            raise FormatError(
                f"calls the class {label} {name!r} in its metadata 'idxio', and"
                f" {features.get(label, 'nothing')!r} in its features: remove the one that is not"
                " true, or write the file anew",
                file=path,
            )


def _listed_names(metadata: dict[bytes, bytes], path: str) -> list[str]:
    """Read the names of the classes 0, 1, … from Hugging Face's features; an empty list without
    any.
    """
    if b"huggingface" not in metadata:
        return []
    try:
        label = from_json(metadata[b"huggingface"])["info"]["features"]["label"]
    except (TypeError, KeyError):  # other features, or none
        return []
    except (ValueError, RecursionError) as error:
        raise _unreadable("huggingface", error, path) from error
    names = label.get("names") if isinstance(label, dict) else None
    if names is None:
        return []  # labels are numbers
    try:
        if not isinstance(names, list):
            raise TypeError(f"the names are no list but {names!r:.40}")
        return [*as_names(names).values()]
    except TypeError as error:
        raise _unreadable("huggingface", error, path) from error


def _unreadable(key: str, error: Exception, path: str) -> FormatError:
    return FormatError(
        f"has metadata {key!r} whose names of classes can't be read, damaged or by another program"
        f" ({error!r:.200}): write the file anew, or remove that metadata",
        file=path,
    )


def parquet_blocks(paths: list[str], threads: int) -> Blocks:
    """The records of the shards of a split: images, uint8, and labels, int64."""
    shape: tuple[int, ...] | None = None
    for path in paths:
        with _reading(path) as file:
            _check_columns(file.schema_arrow, path)
            listed = _listed_names(file.schema_arrow.metadata or {}, path)
            row = 0
            for batch in file.iter_batches(_ROWS, columns=["image", "label"]):
                labels = batch.column("label")
                rows = [f"row {i:,}" for i in range(row, row + len(batch))]
                if labels.null_count:
                    raise FormatError(
                        f"{rows[labels.to_pylist().index(None)]} has no label", file=path
                    )
                classes = labels.to_numpy()
                if len(far := np.flatnonzero(classes > np.iinfo(np.int64).max)):
                    raise FormatError(
                        f"{rows[far[0]]} has the label {classes[far[0]]}, expected"
                        f" 0 to {np.iinfo(np.int32).max:,}",
                        file=path,
                    )
                if listed and len(bad := np.flatnonzero((classes < 0) | (classes >= len(listed)))):
                    raise FormatError(
                        f"{rows[bad[0]]} has the label {classes[bad[0]]}, and the features name the"
                        f" classes 0 to {len(listed) - 1:,} only",
                        file=path,
                    )
                pictures = zip(rows, batch.column("image").to_pylist(), strict=True)
                images = each(
                    _decode, [(picture, where, path) for where, picture in pictures], threads
                )
                shape = shape or images[0].shape
                yield png.stack(images, shape, rows, path), classes.astype(np.int64)
                row += len(batch)
    if shape is None:
        raise FormatError("has no rows", file=paths[0])


def _decode(item: tuple[Any, str, str]) -> Array:
    picture, where, path = item
    if picture is None or picture["bytes"] is None:
        raise FormatError(f"{where} has no picture in its bytes", file=path)
    return png.decode(picture["bytes"], where, path)


def _check_columns(schema: pyarrow.Schema, path: str) -> None:
    """Raise unless there are an image with bytes and a label that is an integer."""
    import pyarrow.types as types

    for name, expected in (("image", "a struct with bytes"), ("label", "integers")):
        index = schema.get_field_index(name)
        if index < 0:
            raise FormatError(
                f"has the columns {', '.join(schema.names)}; expected image and label", file=path
            )
        kind = schema.field(index).type
        if name == "label":
            good = types.is_integer(kind)
        else:
            is_bytes = types.is_struct(kind) and kind.get_field_index("bytes") >= 0
            good = is_bytes and (
                types.is_binary(kind.field("bytes").type)
                or types.is_large_binary(kind.field("bytes").type)
            )
        if not good:
            raise FormatError(f"has {kind} in the column {name}, expected {expected}", file=path)
    others = [name for name in schema.names if name not in ("image", "label")]
    if others:
        warnings.warn(
            f"{path}: left out what is no image or label: {', '.join(others)}",
            UserWarning,
            stacklevel=2,
        )


@contextmanager
def _reading(path: str) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Open a Parquet file; turn the errors of pyarrow into those of idxio."""
    import pyarrow
    import pyarrow.parquet

    try:
        with open(path, "rb", opener=open_regular) as raw, pyarrow.parquet.ParquetFile(raw) as file:
            yield file
    except pyarrow.ArrowException as error:
        raise FormatError(f"can't be read as Parquet: {error}", file=path) from error
    except OSError as error:
        if error.errno is None:  # pyarrow's own, for a damaged page
            raise FormatError(f"can't be read as Parquet: {error}", file=path) from error
        with naming(path):
            raise
