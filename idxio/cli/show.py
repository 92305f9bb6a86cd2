"""idxio show: labels as numbers, images as a contact sheet in the terminal or in a PNG file."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator

from .._util.types import Array
from ..core.array import IdxArray, open_array
from ..datasets import contact_sheet
from ..datasets.preview import png
from ..storage.targets import write_file
from . import exit_codes, select_class, terminal

# A record of up to this many numbers is no line of an image: QMNIST's labels have 8.
_FEW = 16
# What is shown unasked where the screen sets no limit.
_NUMBERS, _IMAGE_LINES, _PNG_IMAGES = 200, 64, 100


def run(
    file: str, rows: slice | None, output: str | None, *, of_class: str | None = None, labels: str | None = None
) -> int:
    """Show the records that rows picks, or as many as fit the screen; only those are read."""
    if labels is not None and of_class is None:
        raise exit_codes.UsageError("--labels tells which images are of --class K; say which class")
    with exit_codes.naming(file), open_array(exit_codes.given(file)) as f:
        if rows is None:
            rows = slice(_default_count(f.shape, output))
        if of_class is not None:
            if _are_numbers(f.shape):
                raise exit_codes.UsageError(f"{file}: holds no images that --class could pick")
            chosen = select_class.of_class(file, len(f), of_class, labels)
            picked = chosen.records[rows]
            records, title = f[picked], _class_title(f, chosen, picked)
            if not len(records):
                raise exit_codes.UsageError(
                    f"{file}: --rows picks none of the {len(chosen.records):,} of {chosen.name}"
                )
        else:
            records = f[rows] if f.shape else f[()].reshape(1)
            title = _title(f, rows)
            if not len(records) and f.shape[0]:
                raise exit_codes.UsageError(f"{file}: --rows picks none of its {f.shape[0]:,} records")
    numbers = _are_numbers(f.shape)
    if output is not None:
        if numbers or not records.size:
            raise exit_codes.UsageError(f"{file}: holds no images to draw ({exit_codes.dimensions(f.shape)})")
        with exit_codes.naming(output):
            _write_png(records, output)
        return exit_codes.FINE
    print(title)
    if records.size:
        for line in number_lines(records, _screen()[0]) if numbers else image_lines(records):
            print(line)
    return exit_codes.FINE


def image_lines(records: Array) -> Iterator[str]:
    """The contact sheet of records that are images, for stdout, as wide as the terminal at most."""
    style = terminal.style()
    columns, lines = _screen()
    images = contact_sheet.as_images(records)
    layout = contact_sheet.fit(images.shape[1], images.shape[2], len(images), columns, lines)
    images = contact_sheet.shrink(images, layout.factor)
    fill = terminal.gap_shade(style)
    for start in range(0, len(images), layout.across):
        row = images[start : start + layout.across]
        # A row alone at a time: the first is on the screen while the others are drawn.
        yield from terminal.lines(contact_sheet.tile(row, len(row), gap=1, fill=fill), style)


def number_lines(records: Array, columns: int) -> Iterator[str]:
    """Numbers, right-aligned: as many on a line as fit, or one record."""
    texts = [str(value) for value in records.ravel().tolist()]
    width = max(map(len, texts))
    across = records.shape[1] if records.ndim == 2 else max(1, (columns + 1) // (width + 1))
    for start in range(0, len(texts), across):
        yield " ".join(text.rjust(width) for text in texts[start : start + across])


def _are_numbers(shape: tuple[int, ...]) -> bool:
    return len(shape) < 2 or (len(shape) == 2 and shape[1] <= _FEW)


def _default_count(shape: tuple[int, ...], output: str | None) -> int:
    """How many records to show where no rows are asked for."""
    if _are_numbers(shape):
        return _NUMBERS
    if len(shape) == 2:
        return _IMAGE_LINES
    kept = contact_sheet.image_axes(shape)
    height, width = shape[-kept:][:2]
    planes = max(1, math.prod(shape[1:-kept]))
    if output is not None:
        return max(1, _PNG_IMAGES // planes)
    columns, lines = _screen()
    layout = contact_sheet.fit(height, width, shape[0] * planes, columns, lines)
    return max(1, layout.across * layout.down // planes)


def _screen() -> tuple[int, int]:
    """Columns, and lines but for the title and the prompt."""
    columns, lines = shutil.get_terminal_size()
    return max(1, columns), max(1, lines - 2)


def _about(f: IdxArray) -> str:
    return f"{exit_codes.printable(f.name)}: {exit_codes.dimensions(f.shape)} {f.dtype.name}, {f.packing}"


def _title(f: IdxArray, rows: slice) -> str:
    about = _about(f)
    if not f.shape or not f.shape[0]:
        return about
    shown = range(f.shape[0])[rows]
    step = "" if shown.step == 1 else f":{shown.step}"
    return f"{about}; records {shown.start}:{shown.stop}{step} of {f.shape[0]:,}"


def _class_title(f: IdxArray, chosen: select_class.OfClass, picked: Array) -> str:
    some = ", ".join(map(str, picked[:8].tolist())) + (", …" if len(picked) > 8 else "")
    return f"{_about(f)}; {len(picked):,} of the {len(chosen.records):,} of {chosen.name}: {some}"


def _write_png(records: Array, output: str) -> None:
    images = contact_sheet.as_images(records)
    across = math.ceil(math.sqrt(len(images)))
    write_file(output, png(contact_sheet.tile(images, across, gap=2, fill=60)))
