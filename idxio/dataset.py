"""Dataset: images and labels that belong together; load() finds them in a directory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from . import splitting
from .array import IdxArray, open_array
from .classes import as_names, class_names
from .finding import find_pair
from .inputs import as_labels, as_records
from .selection import ArrayLike, as_rows, select
from .selection import upright as turned

if TYPE_CHECKING:
    from .batches import Batches

Array = np.ndarray[Any, np.dtype[Any]]


class Dataset:
    """Images and labels, checked to agree in count.

    ``ds[i]`` is an image and its label; ``ds[a:b]``, ``ds[[3, 1, 2]]`` and ``ds[mask]`` are Datasets of those samples.
    They copy no images: of an array they have a view where the samples are a range, and in all other cases an
    array-like that reads an image when it is looked at.

    Parameters
    ----------
    images : array_like, IdxArray or file
        Of any shape and dtype; axis 0 counts the samples. A file (path, bytes or file object) is opened, not read.
    labels : array_like, IdxArray or file
        One integer for each sample: shape (n,). They are read into memory.
    class_names : sequence or dict of str, optional
        The name of class k, at place k or under the key k.

    Raises
    ------
    ValueError
        The counts differ, or the labels are not one integer each.
    OSError, IdxError
        As `idxio.open`, for files.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> ds = idxio.Dataset(np.zeros((4, 28, 28), np.uint8), [0, 0, 1, 7])
    >>> ds.counts, ds.is_sorted, ds.of_class(0).shape
    ({0: 2, 1: 1, 7: 1}, True, (2, 28, 28))
    """

    def __init__(
        self, images: Any, labels: Any, *, class_names: Sequence[str] | Mapping[int, str] | None = None
    ) -> None:
        self.images: ArrayLike = as_records(images)
        """The images as they were given: an array, an open file, or an array-like of some of their records."""
        self.labels: Array = as_labels(labels)
        """The labels, an array of shape (n,) in native byte order."""
        if not self.images.shape or self.images.shape[0] != len(self.labels):
            counted = f"{self.images.shape[0]:,} images" if self.images.shape else "images of shape ()"
            raise ValueError(f"there are {counted} and {len(self.labels):,} labels; each image has one label")
        self.class_names: dict[int, str] | None = None if class_names is None else as_names(class_names)
        """The name of each class, by its label; None if they are not known."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: Any) -> Any:
        if hasattr(key, "__index__") and not isinstance(key, np.ndarray):
            return self.images[key], self.labels[key]
        rows = as_rows(key, len(self))
        labels = select(self.labels, rows)
        return Dataset(select(self.images, rows), np.asarray(labels), class_names=self.class_names)

    @property
    def classes(self) -> Array:
        """The labels that occur, in ascending order: an array."""
        return self._tally[0]

    @property
    def counts(self) -> dict[int, int]:
        """How many samples each class has, by its label."""
        return dict(zip(self._tally[0].tolist(), self._tally[1].tolist(), strict=True))

    @cached_property
    def _tally(self) -> tuple[Array, Array]:
        return np.unique(self.labels, return_counts=True)

    @cached_property
    def is_sorted(self) -> bool:
        """Whether the samples are in the order of their labels, as `write_sorted` writes them."""
        return bool((self.labels[1:] >= self.labels[:-1]).all())

    def of_class(self, k: int) -> Array:
        """The images of class k.

        Parameters
        ----------
        k : int
            A label.

        Returns
        -------
        ndarray
            In a sorted dataset a range: a view of an array; of a compressed file only the chunks with the class are
            unpacked. Otherwise a copy.

        Raises
        ------
        ValueError
            There is no such class.
        """
        place = int(np.searchsorted(self.classes, k))
        if place == len(self.classes) or self.classes[place] != k:
            has = ", ".join(map(str, self.classes[:20].tolist())) + (", ..." if len(self.classes) > 20 else "")
            raise ValueError(f"there is no class {k!r}; there are {has}")
        if self.is_sorted:
            start = int(self._tally[1][:place].sum())
            return np.asarray(self.images[start : start + int(self._tally[1][place])])
        return np.asarray(self.images[np.flatnonzero(self.labels == k)])

    def split(self, size: float | Sequence[float], *, seed: int, stratified: bool = True) -> tuple[Dataset, ...]:
        """Split the samples at random into parts, for example to train and to validate.

        Head and tail of a dataset that is sorted by label have no class in common, so there is no such split here:
        slice it, if that is what you want. Every part keeps its samples in their order.

        Parameters
        ----------
        size : float, int or a sequence of them
            The fraction (a float) or the count (an int) of the first part; the second one is the rest. Or a fraction
            or count for each part, which add up to the whole.
        seed : int
            The same seed gives the same parts: the order is that of `batches` and as frozen. 0 to 2^64 - 1.
        stratified : bool
            Every part has every class in its proportion, rounded by largest remainder, and the parts have exactly the
            counts that are asked for. If False, the samples are drawn without a look at their labels.

        Returns
        -------
        tuple of Dataset
            They copy no images.

        Raises
        ------
        ValueError
            The sizes do not add up.

        Examples
        --------
        >>> import idxio, numpy as np
        >>> ds = idxio.Dataset(np.zeros((10, 28, 28), np.uint8), [0] * 5 + [1] * 5)
        >>> train, val = ds.split(0.8, seed=1)
        >>> train.counts, val.counts
        ({0: 4, 1: 4}, {0: 1, 1: 1})
        """
        from .order import Shuffled

        sizes = splitting.sizes_of(size, len(self))
        shuffled = Shuffled(len(self), seed).ids(0, 0, len(self))
        parts = (
            splitting.split_stratified(sizes, shuffled, self.labels) if stratified else splitting.split(sizes, shuffled)
        )
        return tuple(self[part] for part in parts)

    def batches(self, batch_size: int, **options: Any) -> Batches:
        from .batches import Batches

        return Batches(self._memory, self.labels, batch_size, **options)

    @cached_property
    def _memory(self) -> Array:
        """The images as an array that batches can be gathered from: a view of a raw file, else read into memory."""
        if isinstance(self.images, IdxArray) and self.images.packing == "raw":
            return self.images.array
        return np.ascontiguousarray(self.images)

    def __repr__(self) -> str:
        return f"<idxio.Dataset {self._title()}>"

    def _title(self) -> str:
        shape = " x ".join(map(str, self.images.shape))
        order = ", sorted by label" if self.is_sorted else ""
        return f"{shape} {self.images.dtype}, {len(self.classes)} classes{order}"

    def _repr_html_(self) -> str:
        """For notebooks: the classes with their counts and first images."""
        from .preview import html

        return html(f"idxio.Dataset: {self._title()}", self.images, self.labels, self.counts, self.class_names or {})


def load(directory: str | os.PathLike[str], split: str = "train", *, upright: bool = False) -> Dataset:
    """The dataset of the images and labels in a directory, whatever they are named and packed with.

    Parameters
    ----------
    directory : path
        Where the files lie.
    split : str
        "train", "test" (the same as "t10k"), or whatever stands before "-images" in the names: "xnist". Where there
        are several datasets, with the name of one: "emnist-letters-train".
    upright : bool
        Exchange the rows and columns of the images. EMNIST's are stored lying on their side.

    Returns
    -------
    Dataset
        The images are opened, not read. Of labels with two axes, as QMNIST's int32 ones, the first column is taken,
        which is the class. The class names are those of the `dataset.json` beside the files (`class_names`), of
        EMNIST's mapping, or of the published dataset that the labels are known to be of.

    Raises
    ------
    FileNotFoundError
        No such directory, or no images and labels of this split in it. The message says what was looked for.
    IdxError
        There is more than one such pair, their counts differ, or a file is damaged.

    Examples
    --------
    >>> import idxio
    >>> ds = idxio.load(".", split="test")
    >>> len(ds), ds.counts[0]
    (100, 10)
    """
    images_file, labels_file = find_pair(directory, split)
    with open_array(labels_file) as f:
        labels = f[:, 0] if f.ndim == 2 else f[:]
    images: ArrayLike = open_array(images_file)
    if upright:
        images = turned(images)
    return Dataset(images, labels, class_names=class_names(labels_file))
