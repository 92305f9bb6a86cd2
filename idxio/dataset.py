"""Dataset: images and labels that belong together."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from .array import IdxArray, open_array
from .batches import Batches
from .errors import IdxError

Array = np.ndarray[Any, np.dtype[Any]]


class Dataset:
    """Images and labels, checked to agree in count.

    Parameters
    ----------
    images : array_like, IdxArray or file
        Axis 0 counts the samples.
    labels : array_like, IdxArray or file
        One integer for each sample. They are read into memory.
    class_names : sequence of str, optional
        The name of class k at place k.

    Raises
    ------
    ValueError
        The counts differ, or the labels are not one integer each.
    """

    def __init__(self, images: Any, labels: Any, *, class_names: Any = None) -> None:
        self.images = _as_array(images)
        labels = np.asarray(_as_array(labels))
        if labels.ndim != 1:
            raise ValueError(f"labels have the shape {labels.shape}; there must be one for each sample: shape (n,)")
        if labels.dtype.kind not in "iu":
            raise ValueError(f"labels are {labels.dtype}; they must be integers")
        if not self.images.ndim or len(self.images) != len(labels):
            raise ValueError(f"there are {len(labels)} labels for images of shape {self.images.shape}")
        self.labels: Array = labels
        self.class_names = None if class_names is None else list(class_names)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: Any) -> Any:
        """(image, label) for an integer; a Dataset for a slice, an index array or a mask."""
        if hasattr(key, "__index__") and not isinstance(key, np.ndarray):
            return self.images[key], self.labels[key]
        return Dataset(self.images[key], self.labels[key], class_names=self.class_names)

    @cached_property
    def classes(self) -> Array:
        """The labels that occur, in ascending order."""
        return self._tally[0]

    @cached_property
    def counts(self) -> dict[int, int]:
        """How many samples each class has."""
        return dict(zip(self._tally[0].tolist(), self._tally[1].tolist(), strict=True))

    @cached_property
    def _tally(self) -> tuple[Array, Array]:
        return np.unique(self.labels, return_counts=True)

    @cached_property
    def is_sorted(self) -> bool:
        """Whether the samples are in the order of their labels."""
        return bool((self.labels[1:] >= self.labels[:-1]).all())

    def of_class(self, k: int) -> Array:
        """The images of class k: a range of the images if they are sorted (a view of an array), else a copy."""
        if k not in self.counts:
            raise IdxError(f"there is no class {k}; there are {', '.join(map(str, self.counts))}")
        if self.is_sorted:
            start, stop = np.searchsorted(self.labels, [k, k + 1])
            return np.asarray(self.images[int(start) : int(stop)])
        return np.asarray(self.images[np.flatnonzero(self.labels == k)])

    def batches(self, batch_size: int, **options: Any) -> Batches:
        return Batches(self._memory, self.labels, batch_size, **options)

    @cached_property
    def _memory(self) -> Array:
        """The images as an array that batches can be gathered from: a view of a raw file, else read into memory."""
        if not isinstance(self.images, IdxArray):
            return np.ascontiguousarray(self.images)
        return self.images.array if self.images.packing == "raw" else self.images.read()

    def __repr__(self) -> str:
        return f"<idxio.Dataset {len(self)} x {self.images.shape[1:]} {self.images.dtype}, {len(self.classes)} classes>"


def _as_array(data: Any) -> Any:
    if isinstance(data, IdxArray) or (hasattr(data, "__array__") and not isinstance(data, (str, bytes))):
        return data if isinstance(data, (IdxArray, np.ndarray)) else np.asarray(data)
    if isinstance(data, (list, tuple)):
        return np.asarray(data)
    return open_array(data)
