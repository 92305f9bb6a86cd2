"""The columns of a Parquet file: which one holds the images and which one the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..._util.types import Array
from ...datasets.classes import tidy
from ...datasets.split_names import KNOWN, common_name, split_named
from ...errors import FormatError
from .common import whole_bytes
from .csv_columns import SPLITS, Table, table_of
from .image_shape import Form
from .names import Wanted, pick, remedy
from .pixel_names import has_pixel_names
from .text_classes import text_labels

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

# pandas' own index, where it has no name.
_INDEX = "__index_level_0__"


class Columns(NamedTuple):
    """The columns that are read."""

    images: list[str]
    """One that holds images, or one for each pixel."""
    is_picture: bool
    """Whether images are picture files; pixels else."""
    labels: str | None
    notes: list[str]
    """What to tell: columns that are left out, or that were taken for labels."""
    shape: tuple[int, ...] | None = None
    """The shape of images with a column for each pixel."""
    split: str | None = None
    """A column that is left out, and may say the split."""

    @property
    def names(self) -> list[str]:
        """Those that are read."""
        return self.images if self.labels is None else [*self.images, self.labels]


def columns_of(file: pyarrow.parquet.ParquetFile, wanted: Wanted, form: Form, path: str) -> Columns:
    """Find the columns of images and labels."""
    schema = file.schema_arrow
    names = [name for name in schema.names if name != _INDEX]
    images = pick(names, wanted.images, "images", path)
    if images is None and (found := _pixel_columns(file, names, wanted, form, path)):
        return found
    if images is None:
        raise FormatError(
            f"has the columns {_all(names)}; expected image and label. {remedy('images')}",
            file=path,
        )
    labels = None if wanted.labels is False else pick(names, wanted.labels, "labels", path)
    others = [name for i, name in enumerate(names) if i not in (images, labels)]
    if labels is None and wanted.labels is None and others:
        raise FormatError(
            f"has the columns {_all(names)}; expected image and label. {remedy('labels')}",
            file=path,
        )
    is_picture = _check_images(schema, names[images], path)
    split = next((name for name in others if name.lower() in SPLITS), None)
    if labels is None:
        return Columns([names[images]], is_picture, None, [], split=split)
    _check_labels(schema, names[labels], path)
    notes = [f"left out what is no image or label: {_all(others)}"] if others else []
    return Columns([names[images]], is_picture, names[labels], notes, split=split)


def check_split(file: pyarrow.parquet.ParquetFile, column: str, split: str, path: str) -> None:
    """Raise if a column that is left out says that records are of another split than the file."""
    if not _is_text(file.schema_arrow.field(column).type):
        return
    values = file.read([column])[column].unique().drop_null().to_pylist()
    said = [split_named(value) for value in values]
    # Where no value is a usual split, or one can't be any, the column says something else.
    if None in said or not {*said} & {*KNOWN} or {*said} == {split}:
        return
    raise FormatError(
        f"has the column {column}, which says"
        f" {', '.join(common_name(name) for name in dict.fromkeys(said) if name)}; this file is all"
        f" {common_name(split)} by its name. Write a file for each split, named after it, or leave"
        " that column out",
        file=path,
    )


def _pixel_columns(
    file: pyarrow.parquet.ParquetFile, names: list[str], wanted: Wanted, form: Form, path: str
) -> Columns | None:
    """Find a column for each pixel, as tables have them, by the rules for CSV; None without any."""
    if not has_pixel_names(names) or not file.metadata.num_rows:
        return None
    first = next(file.iter_batches(1, columns=names)).to_pylist()[0]

    def values(column: int) -> list[str]:
        return [str(value) for value in file.read([names[column]])[names[column]].to_pylist()]

    table = table_of(
        Table(len(names), ",", 1),
        names,
        [str(first[name]) for name in names],
        wanted,
        form,
        path,
        values,
    )
    if table.split is not None:
        raise FormatError(
            f"has the column {names[table.split]}, of splits; write a file for each split",
            file=path,
        )
    label = None if table.label is None else names[table.label]
    if label is not None:
        _check_labels(file.schema_arrow, label, path)
    return Columns([names[i] for i in table.pixels], False, label, [*table.notes], table.shape)


def _all(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")


def _check_images(schema: pyarrow.Schema, name: str, path: str) -> bool:
    """Tell whether a column holds picture files, and not lists; raise if it holds neither."""
    import pyarrow.types as types

    kind = schema.field(name).type
    if is_list(kind):
        return False
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    if not (types.is_binary(kind) or types.is_large_binary(kind)):
        raise FormatError(
            f"has {schema.field(name).type} in the column {name}, expected picture files, a struct"
            f" with bytes or binary, or lists of pixels; {remedy('images')}",
            file=path,
        )
    return True


def is_list(kind: pyarrow.DataType) -> bool:
    """Tell whether a type is a list of any sort."""
    import pyarrow.types as types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _check_labels(schema: pyarrow.Schema, name: str, path: str) -> None:
    import pyarrow.types as types

    kind = schema.field(name).type
    of = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_integer(of) or _is_text(of)):
        raise FormatError(
            f"has {kind} in the column {name}, expected integers or texts; {remedy('labels')}",
            file=path,
        )


def _is_text(kind: pyarrow.DataType) -> bool:
    import pyarrow.types as types

    of = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(of) or types.is_large_string(of))


def labels_of(column: pyarrow.Array, names: list[str], rows: list[str], path: str) -> Array:
    """Convert labels to int64, or to objects for texts; names are those of the features, if any."""
    if column.null_count:
        raise FormatError(f"{rows[column.to_pylist().index(None)]} has no label", file=path)
    classes: Array = np.array(column.to_pylist(), object)
    if len(classes) and isinstance(classes[0], str):
        classes = text_labels(classes.tolist(), rows.__getitem__, path)
        # Names that are the numbers of their classes go no further than this.
        if names and (unknown := {*classes.tolist()} - {*map(tidy, names)}):
            row = next(i for i, text in enumerate(classes) if text in unknown)
            raise FormatError(
                f"{rows[row]} has the label {classes[row]!r}, and the features name no such class;"
                " mend the label, or remove the names",
                file=path,
            )
        return classes
    if len(far := np.flatnonzero(classes > np.iinfo(np.int64).max)):
        raise FormatError(
            f"{rows[far[0]]} has the label {classes[far[0]]}, expected"
            f" 0 to {np.iinfo(np.int32).max:,}",
            file=path,
        )
    classes = classes.astype(np.int64)
    if names and len(bad := np.flatnonzero((classes < 0) | (classes >= len(names)))):
        raise FormatError(
            f"{rows[bad[0]]} has the label {classes[bad[0]]}, and the features name the"
            f" classes 0 to {len(names) - 1:,} only",
            file=path,
        )
    return classes


def pixels_of(batch: pyarrow.RecordBatch, columns: list[str], rows: list[str], path: str) -> Array:
    """Convert pixels to uint8: lists, nested as the axes of an image, or a column for each one."""
    try:
        if len(columns) > 1:
            return whole_bytes(np.stack([_numbers(batch.column(name)) for name in columns], axis=1))
        return whole_bytes(_from_lists(batch.column(columns[0])))
    except (ValueError, TypeError) as error:
        raise FormatError(f"{rows[0]} or one behind it: {error}", file=path) from None


def _numbers(column: pyarrow.Array) -> Array:
    values: Array = column.to_numpy(zero_copy_only=False)
    return values


def _from_lists(column: pyarrow.Array) -> Array:
    import pyarrow.compute

    shape = [len(column)]
    while is_list(column.type):
        lengths = pyarrow.compute.list_value_length(column)
        if lengths.null_count:
            raise ValueError("has no pixels")
        if len(pyarrow.compute.unique(lengths)) > 1:
            raise ValueError("has a list of another length than the others")
        shape.append(lengths[0].as_py() if len(lengths) else 0)
        column = column.flatten()
    return _numbers(column).reshape(shape)
