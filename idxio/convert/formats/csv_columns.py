"""The columns of a CSV file: what each holds, and the shape that those of pixels make."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..._util.types import Array
from ...errors import FormatError
from .csv_label import check_labels, guess_label, named_column, no_label, numbered_column
from .csv_values import VALUE, counts_up
from .image_shape import Form, flat_shape
from .names import Wanted, is_label, pick, remedy, some
from .pixel_names import PIXEL_KIND, check_order, kind_of, shape_of, usual_kind

# Names of columns that number the records, or name their files; and of those that say the split.
_INDEX = ("", "unnamed: 0", "id", "idx", "index", "imageid", "image_id", "img_id")
_FILES = ("file", "filename", "path", "img_name", "image_name")
SPLITS = ("split", "usage", "set", "subset", "partition")
# A field with several numbers: pixels of a whole image, as FER2013 has them.
_PACKED = re.compile(r"\[?\s*\d+(\.\d*)?([\s,]+\d+(\.\d*)?)+\s*\]?")
_PICTURE = re.compile(r".+\.(png|jpe?g|bmp|gif|tiff?|webp|ppm|pgm|dcm)", re.IGNORECASE)


class Table(NamedTuple):
    """The columns of a table, as its first lines tell them."""

    columns: int
    delimiter: str
    line: int
    """The number of the first line behind a heading."""
    label: int | None = None
    """The column of the labels; None where there are none."""
    is_text: bool = False
    """Whether the labels are texts."""
    pixels: Sequence[int] = ()
    """The columns of the pixels."""
    is_packed: bool = False
    """Whether one column holds all pixels of an image."""
    split: int | None = None
    """The column that says the split, if there is one."""
    notes: Sequence[str] = ()
    """What to tell: columns that are left out, or that were taken for labels."""
    shape: tuple[int, ...] = ()
    is_own: bool = False
    """Whether the heading leaves no doubt that all other columns are pixels."""

    @property
    def pixel_count(self) -> int:
        """The pixels of an image."""
        return math.prod(self.shape)


def table_of(
    head: Table,
    heading: list[str] | None,
    first: list[str] | None,
    wanted: Wanted,
    form: Form,
    path: str,
    values: Callable[[int], list[str]],
) -> Table:
    """Find out what the columns hold; head has their number.

    heading is None if the file has none, first its first record, None if it has none. values reads
    a column.
    """
    if heading is None:
        table = _unnamed_table(head, first, wanted, path, values)
    else:
        table = _named_table(head, heading, first, wanted, path, values)
    if not table.pixels:
        what = heading[0] if heading else "one field in a line"
        raise FormatError(
            f"has one column, expected label,pixel0,pixel1,… divided by commas: {what!r}"
            if head.columns == 1
            else f"has no column of pixels; it starts with {some(heading or first or [])}",
            file=path,
        )
    if first is not None and any(_PICTURE.fullmatch(first[i].strip()) for i in table.pixels):
        raise _listing(path)
    count = len(table.pixels)
    if table.is_packed and first is not None:
        count = len(first[table.pixels[0]].strip("[] ").replace(",", " ").split())
    heading_shape = None
    if heading is not None and not table.is_packed:
        heading_shape = _checked_shape(heading, table, form, path)
    is_text = False
    if table.label is not None and first is not None:
        field = first[table.label].strip()
        is_text = bool(field) and not VALUE.fullmatch(field)
    names = [heading[i].lower() for i in table.pixels] if heading else []
    return table._replace(
        is_text=is_text,
        shape=flat_shape(count, form, heading_shape, path),
        is_own=table.is_packed
        or heading_shape is not None
        or (heading is not None and names == [f"pixel{i}" for i in range(count)]),
    )


def _unnamed_table(
    head: Table,
    first: list[str] | None,
    wanted: Wanted,
    path: str,
    values: Callable[[int], list[str]],
) -> Table:
    """Make the table of a file without a heading."""
    fields = first or []
    if wanted.labels is not None:
        label = numbered_column(fields, wanted.labels, path)
    else:
        label = guess_label(values(0), values(head.columns - 1), head.columns, path)
    if wanted.images is not None:
        image = numbered_column(fields, wanted.images, path)
        return _packed_table(head, None, first, image, label, None, path)
    return head._replace(label=label, pixels=[i for i in range(head.columns) if i != label])


def _named_table(
    head: Table,
    heading: list[str],
    first: list[str] | None,
    wanted: Wanted,
    path: str,
    values: Callable[[int], list[str]],
) -> Table:
    """Make the table of a file with a heading, by the names in it."""
    names = [name.lower() for name in heading]
    usual, is_numbered = usual_kind(names)
    rest = [i for i, name in enumerate(names) if not (is_numbered and kind_of(name) == usual)]
    split = next((i for i in rest if names[i] in SPLITS), None)
    image = _packed_column(heading, first, rest, wanted, path)
    surplus = [
        i
        for i in rest
        if (is_numbered or image is not None)
        and (names[i] in _FILES or (names[i] in _INDEX and (names[i] or i == 0)))
    ]
    label = named_column(heading, wanted.labels, path)
    notes = []
    if label is None and wanted.labels is None:
        left = [i for i in rest if i not in (split, image, *surplus)]
        are_pixels = image is not None or (
            is_numbered and (bool(left) or bool(PIXEL_KIND.fullmatch(usual)))
        )
        # A column that is called an index and has a number twice may hold the labels.
        index = [values(i) for i in surplus if names[i] in _INDEX]
        recurs = any(len(set(numbers)) < len(numbers) for numbers in index)
        if not are_pixels or len(left) > 1 or usual == "#" or recurs:
            raise no_label(heading, path)
        if left:
            (label,) = left
            check_labels(values(label), heading[label], heading, path)
            notes.append(f"took {heading[label]!r}, the only column beside pixels, for the labels")
    if image is not None:
        table = _packed_table(head, heading, first, image, label, split, path)
        return table._replace(notes=[*notes, *table.notes])
    surplus = [i for i in surplus if i != label]
    if wanted.labels is False and (unwanted := pick(heading, None, "labels", path)) is not None:
        surplus.append(unwanted)
    split = None if split == label or not is_numbered else split
    others = [heading[i] for i in surplus if names[i] not in ("", "unnamed: 0")]
    pixels = [i for i in range(head.columns) if i not in (label, split, *surplus)]
    notes += _left_out(others)
    return head._replace(label=label, pixels=pixels, split=split, notes=notes)


def _packed_column(
    heading: list[str], first: list[str] | None, rest: list[int], wanted: Wanted, path: str
) -> int | None:
    """Return the column that holds the pixels of a whole image, if there is one."""
    if wanted.images is not None:
        return pick(heading, wanted.images, "images", path)
    found = [i for i in rest if first is not None and _PACKED.fullmatch(first[i].strip())]
    if len(found) > 1:
        raise FormatError(
            f"has several columns with numbers of whole images: {heading[found[0]]},"
            f" {heading[found[1]]}; {remedy('images')}",
            file=path,
        )
    return found[0] if found else None


def _packed_table(
    head: Table,
    heading: list[str] | None,
    first: list[str] | None,
    image: int | None,
    label: int | None,
    split: int | None,
    path: str,
) -> Table:
    """Make the table where one column holds all pixels of an image."""
    if image is not None and first is not None and _PICTURE.fullmatch(first[image].strip()):
        raise _listing(path)
    if image is None or first is None or not _PACKED.fullmatch(first[image].strip()):
        has = f"{first[image]!r:.60}" if image is not None and first is not None else "nothing"
        raise FormatError(
            f"has {has} in the column of images, expected the pixels of a whole image, divided by"
            " spaces",
            file=path,
        )
    others = [i for i in range(head.columns) if i not in (image, label, split)]
    names = [heading[i] if heading else f"column {i}" for i in others]
    return head._replace(
        label=label, pixels=[image], is_packed=True, split=split, notes=_left_out(names)
    )


def _checked_shape(
    heading: list[str], table: Table, form: Form, path: str
) -> tuple[int, ...] | None:
    """Check that the names of the pixels are those of pixels; return the shape that they tell."""
    names = [heading[i].lower() for i in table.pixels]
    heading_shape = shape_of(names)
    usual, is_numbered = usual_kind(names)
    odd = [
        name
        for name in names
        if name in (*_INDEX, *_FILES, *SPLITS)
        or is_label(name)
        or (is_numbered and kind_of(name) != usual)
    ]
    if odd:
        remedy = ": leave it out (an index, in pandas: to_csv(index=False))"
        if len(odd) == len(names):
            remedy = (
                ", and no other column is one: this is no table of images (as Kaggle's"
                " sample_submission.csv is none); move it away"
            )
        raise FormatError(
            f"has the column {odd[0]!r} in its heading {some(heading)}, which is neither the"
            f" label nor a pixel{remedy}",
            file=path,
        )
    if is_numbered and heading_shape is None:
        # A label in a column of its own kind, "pixel5" of pixels, has its place among them.
        counted = [name.lower() for name in heading if kind_of(name) == usual]
        check_order(counted, form.shape, path)
    return heading_shape


def check_no_index(pixels: Array, path: str) -> None:
    """Raise if a column at either end of these first pixels is an index."""
    for column in {0, pixels.shape[1] - 1}:
        if counts_up(pixels[:, column]):
            where = "first" if column == 0 else "last"
            raise FormatError(
                f"has a column, the {where} beside the labels, that counts up as an index does:"
                " leave it out (in pandas, to_csv(index=False))",
                file=path,
            )


def _left_out(names: list[str]) -> list[str]:
    """Note the columns that are left out, if any."""
    return [f"left out what is no image or label: {', '.join(names)}"] if names else []


def _listing(path: str) -> FormatError:
    """The error for a file that names pictures."""
    return FormatError(
        "lists picture files, and holds no pixels: idxio build PICTURES OUT --labels"
        f" {os.path.basename(path)} makes a dataset of them",
        file=path,
    )
