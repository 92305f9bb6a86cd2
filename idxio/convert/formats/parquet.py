"""Parquet as the Hugging Face Hub has pictures: a column `image` of bytes and path, a column
`label`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..._util.sizes import records_in
from ..._util.types import Array
from ...compression.registry import likely_cause
from ...datasets.classes import as_names
from ...datasets.metadata import from_json
from ...errors import FormatError, naming
from ...storage.regular import open_regular
from ...storage.targets import atomic_write
from ..images.decode import quiet
from . import png
from .common import Blocks, Split, agreed_names, check_pictures, classes_of, each, images_of, tell
from .image_shape import Form, flat_shape
from .names import Wanted
from .parquet_columns import Columns, check_split, columns_of, labels_of, pixels_of

if TYPE_CHECKING:
    import pyarrow

# Pictures that are read at a time, and the most bytes of their pixels.
_ROWS = 256
_DECODED = 16 << 20
# Bytes of the file that are read at a time.
_BUFFER = 1 << 20
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


def parquet_names(paths: list[str], wanted: Wanted, form: Form) -> dict[int, str] | None:
    """The names of the classes of some files; FormatError if one numbers them in another way than
    the others.
    """
    return agreed_names([(path, _class_names(path, wanted, form)) for path in paths])


def _class_names(path: str, wanted: Wanted, form: Form) -> dict[int, str] | None:
    """Read the class names from the metadata of a file; None if they are only the numbers.

    Where those of idxio are damaged, the features of the Hub still have the names.
    """
    with _reading(path) as file:
        metadata = file.schema_arrow.metadata or {}
        label = columns_of(file, wanted, form, path).labels
    damage = None
    if b"idxio" in metadata:
        try:
            names = as_names(from_json(metadata[b"idxio"])["class_names"])
        except (TypeError, ValueError, KeyError, RecursionError) as error:
            damage = error
        else:
            _check_agreed(names, _listed_names(metadata, label, path), path)
            return names
    listed = _listed_names(metadata, label, path)
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


def _listed_names(metadata: dict[bytes, bytes], column: str | None, path: str) -> list[str]:
    """Read the names of the classes 0, 1, … from Hugging Face's features; an empty list without
    any.
    """
    if b"huggingface" not in metadata:
        return []
    try:
        label = from_json(metadata[b"huggingface"])["info"]["features"][column]
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


def parquet_blocks(
    paths: list[str], split: str, wanted: Wanted, form: Form, threads: int
) -> Blocks:
    """The records of the shards of a split: images, uint8, and labels, int64 or texts, or None."""
    shape: tuple[int, ...] | None = None
    for path in paths:
        with _reading(path) as file:
            columns = columns_of(file, wanted, form, path)
            if columns.split is not None:
                check_split(file, columns.split, split, path)
            for note in columns.notes:
                tell(f"{path}: {note}")
            listed = _listed_names(file.schema_arrow.metadata or {}, columns.labels, path)
            shape = shape or _first_shape(file, columns, path)
            if shape is None:
                _check_rows(0, file, path)
                continue
            many = min(_ROWS, records_in(_DECODED, math.prod(shape)))
            row = 0
            for batch in _batches(file, many, columns.names):
                rows = [f"row {i:,}" for i in range(row, row + len(batch))]
                labels = None
                if columns.labels is not None:
                    labels = labels_of(batch.column(columns.labels), listed, rows, path)
                if columns.is_picture:
                    pictures = batch.column(columns.images[0])
                    images = _decode_all(pictures, rows, path, shape, threads)
                else:
                    images = pixels_of(batch, columns.images, rows, path)
                    png.check_shape(images.shape[1:], shape, rows[0], path)
                    images = _flat_shaped(images, columns.shape, form, path)
                yield images, labels
                row += len(batch)
            _check_rows(row, file, path)
    if shape is None:
        raise FormatError("has no rows", file=paths[0])


def _check_rows(found: int, file: pyarrow.parquet.ParquetFile, path: str) -> None:
    """Raise if a file gave another number of rows than it states: pyarrow may not notice damage."""
    stated = file.metadata.num_rows
    if found != stated:
        raise FormatError(f"is damaged: {found:,} rows are found, it states {stated:,}", file=path)


def _flat_shaped(images: Array, shape: tuple[int, ...] | None, form: Form, path: str) -> Array:
    """Give flat images their shape, if it is known, the chosen one, or that of a grey square."""
    if images.ndim != 2:
        return images
    return images.reshape(-1, *(shape or flat_shape(images.shape[1], form, None, path)))


def _batches(
    file: pyarrow.parquet.ParquetFile, rows: int, columns: list[str]
) -> Iterator[pyarrow.RecordBatch]:
    """Read columns, some rows at a time, and never more than one row group in memory."""
    for group in range(file.metadata.num_row_groups):
        # pyarrow keeps the groups that it has read until the iterator is gone.
        yield from file.iter_batches(rows, row_groups=[group], columns=columns)


def _first_shape(
    file: pyarrow.parquet.ParquetFile, columns: Columns, path: str
) -> tuple[int, ...] | None:
    """Return the shape of the first image; None if there are no rows."""
    for batch in _batches(file, 1, columns.images):
        if len(batch):
            if columns.is_picture:
                picture = batch.column(columns.images[0])[0].as_py()
                with quiet():
                    first: Array = _decode((picture, "row 0", path, None))
            else:
                first = pixels_of(batch, columns.images, ["row 0"], path)[0]
            return tuple(first.shape)
    return None


def _decode_all(
    pictures: pyarrow.Array, rows: list[str], path: str, shape: tuple[int, ...], threads: int
) -> Array:
    items = [
        (picture, where, path, shape)
        for where, picture in zip(rows, pictures.to_pylist(), strict=True)
    ]
    with quiet():
        images = each(_decode, items, threads)
    return png.stack(images, shape, rows, path)


def _decode(item: tuple[Any, str, str, tuple[int, ...] | None]) -> Array:
    picture, where, path, shape = item
    data = picture["bytes"] if isinstance(picture, dict) else picture
    if data is None:
        raise FormatError(f"{where} has no picture in its bytes", file=path)
    return png.decode(data, where, path, shape, converts=True)


@contextmanager
def _reading(path: str) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Open a Parquet file; turn the errors of pyarrow into those of idxio."""
    import pyarrow
    import pyarrow.parquet

    try:
        with (
            naming(path),
            open(path, "rb", opener=open_regular) as raw,
            pyarrow.parquet.ParquetFile(raw, buffer_size=_BUFFER) as file,
        ):
            yield file
    except pyarrow.ArrowException as error:
        with naming(path), open(path, "rb", opener=open_regular) as raw:
            cause = likely_cause(raw.read(1024))
        looks = f"; it looks like {cause}" if cause and not cause.startswith("a parquet") else ""
        raise FormatError(f"can't be read as Parquet{looks}: {error}", file=path) from error
    except UnicodeDecodeError as error:
        raise FormatError(f"has a name that is no UTF-8: {error}", file=path) from error
    except OSError as error:
        if error.errno is None:  # pyarrow's own, for a damaged page
            raise FormatError(f"can't be read as Parquet: {error}", file=path) from error
        raise
