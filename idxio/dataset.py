"""Dataset: images and labels that belong together."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from .array import IdxArray, open_array
from .batches import Batches
from .errors import IdxError
from .windows import needs_windows

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

    def batches(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        dtype: Any = None,
        scale: Any = None,
        mean: Any = None,
        std: Any = None,
        balanced: bool = False,
        rank: int = 0,
        world_size: int = 1,
        remainder: str = "keep",
        out: Any = None,
        threads: int | None = None,
        prefetch: int = 2,
        buffer: int | None = None,
    ) -> Batches:
        """Batches of images and labels, for a training loop. Iterate the result once for each epoch.

        Parameters
        ----------
        batch_size : int
            Samples in a batch, on each rank. The last batch of an epoch may have fewer.
        shuffle : bool
            Another random order in each epoch, a pure function of seed, epoch and position that takes no memory.
        seed : int
            0 to 2^64 - 1.
        drop_last : bool
            Leave out a last batch that has fewer samples.
        dtype : dtype, optional
            Of the images: float32, float64, or a type that holds what the file's type does. By default the file's
            type, or float32 with scale, mean or std.
        scale, mean, std : float or array_like, optional
            Images become ``x * a + b`` with ``a = scale / std`` and ``b = -mean / std`` worked out in float64 and
            rounded to dtype: (x * scale - mean) / std. Each is one number, or is broadcast to one record as numpy
            does, so for channels that come first it has the shape (channels, 1, 1).
        balanced : bool
            Let each batch hold every class in the proportion of the dataset, as evenly as can be; each sample still
            once in an epoch.
        rank, world_size : int
            This process among those that share an epoch: each gets every world_size-th sample of one order.
        remainder : {"keep", "drop", "pad"}
            What becomes of the samples at the end of an epoch that the ranks can't share evenly. "keep": some ranks
            get one more, so each sample comes once. "drop": they are left out. "pad": samples are repeated, and a third
            array of bool says which of a batch count.
        out : pair of arrays, or list of such pairs, optional
            Fill these in turn with images and labels instead of new arrays: a batch is good until the next is taken.
            One pair less than there are is made ahead, so none with a single pair. JAX and torch may look at that
            memory later than you think.
        threads : int, optional
            Threads that make batches ahead or unpack; by default one for each processor.
        prefetch : int
            How many batches are made ahead of the loop, at least. 0: none, and no thread is started.
        buffer : int, optional
            Unpack a gzip file window by window within so many bytes, and shuffle blocks of records and what is in a
            window, as docs/batches.md tells. By default files of more than 1 GiB, in 256 MiB; smaller ones are read
            into memory. Raw files are mapped.

        Returns
        -------
        Batches
            Of ``(images, labels)``: new writable arrays in native byte order, ``(n, ...)`` and ``(n,)``; with `len`,
            `set_epoch`, `state_dict` and `load_state_dict`.

        Raises
        ------
        ValueError, TypeError
            For arguments that make no sense.
        IdxError
            The file is damaged; also from the loop.

        Examples
        --------
        >>> import idxio, numpy as np
        >>> ds = idxio.Dataset(np.arange(12, dtype=np.uint8).reshape(6, 2), np.arange(6) % 2)
        >>> batches = ds.batches(4, shuffle=True, seed=1, scale=1 / 255)
        >>> [(images.shape, images.dtype.name, labels.shape) for images, labels in batches]
        [((4, 2), 'float32', (4,)), ((2, 2), 'float32', (2,))]
        """
        return Batches(
            self.images if needs_windows(self.images, buffer) else self.in_memory(),
            self.labels,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            dtype=dtype,
            scale=scale,
            mean=mean,
            std=std,
            balanced=balanced,
            rank=rank,
            world_size=world_size,
            remainder=remainder,
            out=out,
            threads=threads,
            prefetch=prefetch,
            buffer=buffer,
        )

    def in_memory(self) -> Array:
        """The images as one C-contiguous array: a view of an array or a raw file; a compressed file is read once."""
        return self._memory

    @cached_property
    def _memory(self) -> Array:
        if not isinstance(self.images, IdxArray):
            return np.ascontiguousarray(self.images)
        return self.images.array if self.images.packing == "raw" else self.images.read()

    def __getstate__(self) -> dict[str, Any]:
        """Files are pickled as their paths, without what was read of them."""
        return {name: value for name, value in self.__dict__.items() if name != "_memory"}

    def __repr__(self) -> str:
        return f"<idxio.Dataset {len(self)} x {self.images.shape[1:]} {self.images.dtype}, {len(self.classes)} classes>"


def _as_array(data: Any) -> Any:
    if isinstance(data, IdxArray) or (hasattr(data, "__array__") and not isinstance(data, (str, bytes))):
        return data if isinstance(data, (IdxArray, np.ndarray)) else np.asarray(data)
    if isinstance(data, (list, tuple)):
        return np.asarray(data)
    return open_array(data)
