"""Where batches have the channels of their images: an axis added or moved, always as a view."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from .._util.types import Array

Channels = Literal["first", "last"]
CHANNELS: tuple[Channels, ...] = get_args(Channels)

MOST = 4
"""More along an axis are no channels."""


def channel_ends(record_shape: tuple[int, ...]) -> tuple[bool, bool]:
    """Whether the first axis of records can be their channels, and whether the last one can."""
    has_three = len(record_shape) == 3
    return has_three and 1 <= record_shape[0] <= MOST, has_three and 1 <= record_shape[-1] <= MOST


def why_unclear(is_first: bool) -> str:
    """What is wrong where both ends can be the channels, or none can."""
    return "either end could be the channels" if is_first else "neither end can be channels"


class ChannelLayout:
    """How batches show images: a view of memory in which these lie as they are stored."""

    def __init__(self, record_shape: tuple[int, ...], channels: Channels | None) -> None:
        """record_shape: as stored; channels: where batches have them, None as stored.

        Raises ValueError for records whose channels nobody can tell.
        """
        self._channels = channels
        # An index that adds an axis to a batch, or the order of its axes; each with what undoes it.
        self._added: tuple[Any, Any] | None = None
        self._order: tuple[tuple[int, ...], tuple[int, ...]] | None = None
        self._count = 1  # the channels
        if channels is None:
            return
        stored = _stored_channels(record_shape, channels)
        if stored is None:
            every = slice(None)
            self._added = (
                ((every, None), (every, 0)) if channels == "first" else ((..., None), (..., 0))
            )
            return
        self._count = record_shape[0 if stored == "first" else -1]
        to_first, to_last = (0, 3, 1, 2), (0, 2, 3, 1)
        if stored != channels:
            self._order = (to_first, to_last) if channels == "first" else (to_last, to_first)

    @property
    def is_as_stored(self) -> bool:
        """Whether batches have images as they are stored."""
        return self._added is None and self._order is None

    def shown(self, images: Array) -> Array:
        """A view of images as stored, as batches have them."""
        if self._order is not None:
            return images.transpose(self._order[0])
        view: Array = images if self._added is None else images[self._added[0]]
        return view

    def shown_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that a batch has of images of this one, as stored."""
        shown: tuple[int, ...] = self.shown(np.broadcast_to(np.uint8(0), shape)).shape
        return shown

    def stored(self, batch: Array) -> Array:
        """A view of images as batches have them, as stored: what `shown` undoes."""
        if self._order is not None:
            return batch.transpose(self._order[1])
        view: Array = batch if self._added is None else batch[self._added[1]]
        return view

    def stored_out(self, out: Any, shape: tuple[int, ...]) -> Any:
        """An array of a caller's for batches, as stored; shape: of a batch as stored.

        Raises ValueError where that is no view of it in order.
        """
        if self.is_as_stored or not isinstance(out, np.ndarray):
            return out
        expected = self.shown_shape(shape)
        if out.shape != expected:
            raise ValueError(f"out has shape {out.shape}; batches have {expected}")
        stored = self.stored(out)
        if self._order is not None and not stored.flags.c_contiguous:
            raise ValueError(
                f"with channels {self._channels}, batches are views of images in the order in which"
                f" they are stored: out is np.empty({shape}, dtype).transpose{self._order[0]}"
            )
        return stored

    def stored_factor(self, name: str, value: Any) -> Any:
        """scale, mean or std for records of a batch, as for records as stored.

        That is a number; one for each channel, of shape (channels,) or (channels, 1, 1); or what
        numpy broadcasts to a record of a batch. Without `channels` it stays as it is.

        Raises ValueError if the axis of the channels does not fit.
        """
        if self._channels is None or value is None:
            return value
        try:
            array = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            return value  # RowGatherer says what is wrong with it
        if array.ndim == 0 or array.ndim > 3:
            return value
        axis = 0 if self._channels == "first" else 2
        shape = [1, 1, 1]
        if array.shape in ((self._count,), (self._count, 1, 1)):
            shape[axis] = self._count
        else:
            shape[3 - array.ndim :] = array.shape
        if shape[axis] not in (1, self._count):
            raise ValueError(
                f"{name} has shape {array.shape}, which numpy can't broadcast to a record with its"
                f" {self._count} channels {self._channels}; one for each channel has the shape"
                f" ({self._count},)"
            )
        return self.stored(array.reshape(1, *shape))[0]


def _stored_channels(record_shape: tuple[int, ...], channels: Channels) -> Channels | None:
    """Where records have their channels; None for (height, width), which have none."""
    if channels not in CHANNELS:
        raise ValueError(f"channels is one of {', '.join(CHANNELS)}, or None, not {channels!r}")
    if len(record_shape) == 2:
        return None
    is_first, is_last = channel_ends(record_shape)
    if is_first == is_last:
        raise ValueError(
            "channels= needs images, records of shape (height, width), or with 1 to"
            f" {MOST} channels as the first or the last axis; these have shape {record_shape},"
            f" where {why_unclear(is_first)}"
        )
    return "first" if is_first else "last"
