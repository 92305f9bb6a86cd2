"""Dataset: images and their labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from .._util.integers import unsigned_64
from .._util.public import public
from .._util.types import Array, Rows
from ..core.array import IdxArray
from ..core.coerce import as_labels, as_records
from ..core.indexing import is_int
from ..core.selection import ArrayLike, Selection, as_rows, select
from ..loader import keys, samplers
from ..loader.materialize import Materialized
from ..storage.as_read import states
from . import split as splits
from .classes import as_names, label_of
from .concat import as_list, concat_images, concat_labels
from .folds import held_out
from .moments import Moments, Stats, moments_of
from .scaling import scaling_of
from .together import check_same

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..loader.batches import Batches
    from ..loader.channels import Channels
    from ..loader.sharding import Remainder
    from ..loader.transforms import Transform
    from ..storage.source import File


@public
class Dataset:
    """Images and labels, checked to agree in count.

    ``ds[i]`` is an image and its label; ``ds[a:b]``, ``ds[[3, 1, 2]]`` and ``ds[mask]`` are
    Datasets of those samples. They copy no images: of an array they have a view where the samples
    are a range, and in all other cases an array-like that reads an image when it is looked at.
    Images of an array are in its byte order, those of a file in that of this machine, as labels and
    all batches are.

    Parameters
    ----------
    images : array_like, IdxArray or file
        Of any shape and dtype; axis 0 counts the samples. A file (path, bytes or file object) is
        opened, not read.
    labels : array_like, IdxArray or file
        One integer for each sample: shape (n,). They are read into memory. A single column, (n, 1),
        and one-hot rows are taken for the classes that they mean, and of QMNIST's eight columns the
        first.
    class_names : sequence or dict of str, optional
        The name of class k, at index k or under the key k.

    Raises
    ------
    ValueError
        The counts differ, or the labels are not one integer each.
    OSError, IdxError
        As `idxio.open`, for files; a ChangedError if another process replaced one meanwhile.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> ds = idxio.Dataset(np.zeros((4, 28, 28), np.uint8), [0, 0, 1, 7])
    >>> ds.counts, ds.is_sorted, ds.of_class(0).shape
    ({0: 2, 1: 1, 7: 1}, True, (2, 28, 28))
    """

    def __init__(
        self,
        images: npt.ArrayLike | File,
        labels: npt.ArrayLike | File,
        *,
        class_names: Sequence[str] | Mapping[int, str] | None = None,
    ) -> None:
        paths = [one for one in (images, labels) if isinstance(one, (str, os.PathLike))]
        found = states(map(os.fsdecode, paths))
        self.images: ArrayLike = as_records(images)
        """The images: an array, an open file, or an array-like of some of their records."""
        self.labels: Array = as_labels(labels, first_column=True)
        """The labels, an array of shape (n,) in native byte order."""
        check_same(found)
        if not self.images.shape or self.images.shape[0] != len(self.labels):
            counted = (
                f"{self.images.shape[0]:,} images" if self.images.shape else "images of shape ()"
            )
            raise ValueError(
                f"there are {counted} and {len(self.labels):,} labels; each image has one label",
            )
        self._moments: Moments | None = None
        self.class_names: dict[int, str] | None = None
        """The name of each class, by its label; None if they are not known."""
        if class_names is not None:
            self.class_names = as_names(class_names)

    @staticmethod
    def concat(datasets: Iterable[Dataset]) -> Dataset:
        """Put datasets together, one behind the other, as one in memory.

        Parameters
        ----------
        datasets : list of Dataset
            Their images have one shape and type. Where they have class names, labels are mapped by
            name: classes of the first dataset keep their numbers, those that it lacks come behind
            them.

        Returns
        -------
        Dataset
            The images are a new array. (`write_sorted` merges files larger than memory.)

        Raises
        ------
        ValueError, TypeError
            The images don't fit, one dataset has class names and another none, a label has no name
            where names differ, or a name stands for two labels.

        Examples
        --------
        >>> import idxio, numpy as np
        >>> images = np.zeros((2, 28, 28), np.uint8)
        >>> pets = idxio.Dataset(images, [0, 1], class_names=["cat", "dog"])
        >>> more = idxio.Dataset(images, [0, 1], class_names=["dog", "emu"])
        >>> both = idxio.Dataset.concat([pets, more])
        >>> both.labels.tolist(), both.class_names
        ([0, 1, 1, 2], {0: 'cat', 1: 'dog', 2: 'emu'})
        """
        parts = as_list(datasets, Dataset)
        labels, names = concat_labels(
            [part.labels for part in parts], [part.class_names for part in parts]
        )
        images = concat_images([part.images for part in parts])
        return Dataset(images, labels, class_names=names)

    def __len__(self) -> int:
        return len(self.labels)

    @overload
    def __getitem__(self, key: Rows) -> Dataset: ...
    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> tuple[Array, np.integer[Any]]: ...
    def __getitem__(self, key: Any) -> Any:
        if is_int(key):
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

    @property
    def class_weights(self) -> dict[int, float]:
        """The weight of each class, by its label, with which all classes weigh the same.

        That is n / (classes * count), the mean over all samples being 1: for `weights` of
        `batches`, or for a loss.

        Examples
        --------
        >>> import idxio, numpy as np
        >>> ds = idxio.Dataset(np.zeros((4, 28, 28), np.uint8), [0, 0, 0, 7])
        >>> ds.class_weights
        {0: 0.6666666666666666, 7: 2.0}
        """
        counts = self.counts
        return {label: len(self) / (len(counts) * count) for label, count in counts.items()}

    @cached_property
    def _tally(self) -> tuple[Array, Array]:
        """The labels that occur, ascending, and the count of each."""
        return np.unique(self.labels, return_counts=True)

    @cached_property
    def is_sorted(self) -> bool:
        """Whether the samples are in the order of their labels, as `write_sorted` writes them."""
        return bool((self.labels[1:] >= self.labels[:-1]).all())

    def of_class(self, k: int | str) -> Array:
        """The images of class k.

        Parameters
        ----------
        k : int or str
            A label, or the name of a class.

        Returns
        -------
        ndarray
            In a sorted dataset a range: a view of an array; of a compressed file only the chunks
            with the class are unpacked. Otherwise a copy.

        Raises
        ------
        ValueError
            There is no such class.
        """
        if isinstance(k, str):
            k = label_of(k, self.class_names)
        index = int(np.searchsorted(self.classes, k))
        if index == len(self.classes) or self.classes[index] != k:
            listed = ", ".join(map(str, self.classes[:20].tolist()))
            more = ", ..." if len(self.classes) > 20 else ""
            raise ValueError(f"there is no class {k!r}; there are {listed}{more}")
        if self.is_sorted:
            counts = self._tally[1]
            start = int(counts[:index].sum())
            return np.asarray(self.images[start : start + int(counts[index])])
        return np.asarray(self.images[np.flatnonzero(self.labels == k)])

    def stats(self, *, scale: npt.ArrayLike | None = None, threads: int | None = None) -> Stats:
        """Mean and standard deviation of the pixels of each channel, in one pass.

        Parameters
        ----------
        scale : float or array_like, optional
            As for `batches`, which takes what comes out with the same scale.
        threads : int, optional
            As many as the process has processors if not given.

        Returns
        -------
        Stats
            ``(mean, std)``: a number each, or for records of 2 to 4 channels an array that numpy
            broadcasts to a record, of shape (channels,), or (channels, 1, 1) where they come first.
            Compressed images of up to 1 GiB are read into memory, where `batches` finds them.

        Examples
        --------
        >>> import idxio, numpy as np
        >>> ds = idxio.Dataset(np.array([[[0, 255]], [[0, 51]]], np.uint8), [0, 1])
        >>> mean, std = ds.stats(scale=1 / 255)
        >>> round(mean, 3), round(std, 3)
        (0.3, 0.412)
        >>> batches = ds.batches(2, scale=1 / 255, mean=mean, std=std)

        The same in one step is ``ds.batches(2, scale=1 / 255, mean="dataset", std="dataset")``.
        """
        return moments_of(self._held, threads).stats(scale)

    @property
    def moments(self) -> Moments:
        """What `stats` are computed from. Those of files are kept; an array may change."""
        if self._moments is not None:
            return self._moments
        moments = moments_of(self._held)
        base = self.images.base if isinstance(self.images, Selection) else self.images
        if isinstance(base, IdxArray):
            self._moments = moments
        return moments

    def split(
        self, size: float | Sequence[float], *, seed: int, stratified: bool = True
    ) -> tuple[Dataset, ...]:
        """Split the samples at random into parts, for example to train and to validate.

        Head and tail of a dataset that is sorted by label have no class in common, so there is no
        such split here: slice it, if that is what you want. Every part keeps its samples in their
        order.

        Parameters
        ----------
        size : float, int or a sequence of them
            The fraction (a float) or the count (an int) of the first part; the second one is the
            rest. Or a fraction or count for each part, which add up to the whole.
        seed : int
            The same seed gives the same parts: the order is that of `batches` and as frozen. 0 to
            2^64 - 1.
        stratified : bool
            Every part has every class in its proportion, rounded by largest remainder, and the
            parts have exactly the counts that are asked for. If False, the samples are drawn
            without a look at their labels.

        Returns
        -------
        tuple of Dataset
            They copy no images.

        Raises
        ------
        ValueError, TypeError
            The sizes do not add up, or the seed is none.

        Examples
        --------
        >>> import idxio, numpy as np
        >>> ds = idxio.Dataset(np.zeros((10, 28, 28), np.uint8), [0] * 5 + [1] * 5)
        >>> train, val = ds.split(0.8, seed=1)
        >>> train.counts, val.counts
        ({0: 4, 1: 4}, {0: 1, 1: 1})
        """
        sizes = splits.sizes_of(size, len(self))
        shuffled = self._shuffled(seed, keys.SPLIT)
        parts = splits.split(sizes, shuffled, self.labels if stratified else None)
        return tuple(self[part] for part in parts)

    def folds(self, k: int, *, seed: int, stratified: bool = True) -> list[tuple[Dataset, Dataset]]:
        """Pairs to train and to validate, for cross-validation: each sample is held out once.

        Parameters
        ----------
        k : int
            The number of pairs, from 2 to the number of samples.
        seed : int
            The same seed gives the same folds, as frozen as the order of `batches`. 0 to 2^64 - 1.
        stratified : bool
            Every fold holds out every class in its proportion: the counts of a class differ by at
            most one, and so do those of the folds. If False, the samples are drawn without a look
            at their labels.

        Returns
        -------
        list of (Dataset, Dataset)
            The samples to train on and those held out, each in the order of this dataset. They copy
            no images: compressed ones are read into memory once for all folds.

        Raises
        ------
        ValueError, TypeError
            There are less than 2 folds or more than samples, or the seed is none.

        Examples
        --------
        >>> import idxio, numpy as np
        >>> ds = idxio.Dataset(np.zeros((10, 28, 28), np.uint8), [0] * 5 + [1] * 5)
        >>> for train, held_out in ds.folds(3, seed=1):
        ...     print(train.counts, held_out.counts)
        {0: 3, 1: 3} {0: 2, 1: 2}
        {0: 3, 1: 4} {0: 2, 1: 1}
        {0: 4, 1: 3} {0: 1, 1: 2}
        """
        shuffled = self._shuffled(seed, keys.FOLDS)
        pairs = []
        for out in held_out(k, shuffled, self.labels if stratified else None):
            is_held_out = np.zeros(len(self), np.bool_)
            is_held_out[out] = True
            pairs.append((self._sharing(~is_held_out), self._sharing(is_held_out)))
        return pairs

    def _shuffled(self, seed: int, key: int) -> Array:
        """The numbers of all samples in a random order."""
        n = len(self)
        return samplers.permuted(n, np.arange(n), unsigned_64("seed", seed), key)

    def _sharing(self, mask: Array) -> Dataset:
        """Some of the samples, whose images are read into memory with all others."""
        part = self[mask]
        part._held.share(self._held, as_rows(mask, len(self)))
        return part

    def batches(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        dtype: npt.DTypeLike | None = None,
        scale: npt.ArrayLike | None = None,
        mean: npt.ArrayLike | Literal["dataset"] | None = None,
        std: npt.ArrayLike | Literal["dataset"] | None = None,
        channels: Channels | None = None,
        one_hot: bool = False,
        augment: Sequence[Transform] | None = None,
        balanced: bool = False,
        weights: npt.ArrayLike | Mapping[int, float] | None = None,
        rank: int = 0,
        world_size: int = 1,
        remainder: Remainder = "keep",
        out: Any = None,
        threads: int | None = None,
        prefetch: int = 2,
        buffer: int | None = None,
    ) -> Batches:
        """Batches of images and labels, for a training loop.

        Iterate the result once for each epoch.

        Parameters
        ----------
        batch_size : int
            Samples in a batch, on each rank. The last batch of an epoch may have fewer.
        shuffle : bool
            Another random order in each epoch, a pure function of seed, epoch and position that
            takes no memory.
        seed : int
            0 to 2^64 - 1.
        drop_last : bool
            Leave out a last batch that has fewer samples.
        dtype : dtype, optional
            Of the images: float32, float64, or a type that holds what the file's type does. By
            default the file's type, or float32 with scale, mean or std.
        scale, mean, std : float or array_like, optional
            Images become ``x * a + b`` with ``a = scale / std`` and ``b = -mean / std`` worked out
            in float64 and rounded to dtype: (x * scale - mean) / std. Each is one number, or is
            broadcast to one record as numpy does, so for channels that come first it has the shape
            (channels, 1, 1). With `channels` this is a record of a batch, and the shapes
            (channels,) and (channels, 1, 1) are one number for each channel wherever it is.
            "dataset" for mean or std is what `stats` says with the same scale, of each channel. Of
            images to test or validate on, give those of the ones to train on.
        channels : {"first", "last"}, optional
            Where the images of a batch have their channels; of (height, width) an axis of length 1
            is added. It is a view: memory holds the images in the order of the file. By default
            they are as stored.
        one_hot : bool
            Give labels as rows of float32: 1 in the column of the label, 0 in the others. There is
            a column for each number from 0 to the last label that occurs or has a class name.
        augment : sequence of transforms, optional
            Those of `idxio.transforms` to apply to each image, in this order, before it becomes
            dtype and is scaled. What they draw is a pure function of seed, epoch and position.
            Images are records of shape (height, width), or with 1 to 4 channels first or last.
        balanced : bool
            Let each batch hold every class in the proportion of the dataset, as evenly as can be;
            each sample still once in an epoch.
        weights : array_like or dict, optional
            Draw as many samples as there are, at random with replacement, each with a probability
            in proportion to its weight: one number of 0 or more for each sample, or a dict with one
            for each class, as `class_weights`. A sample that is drawn twice is augmented twice.
            Not from shuffle windows.
        rank, world_size : int
            This process among those that share an epoch: each gets every world_size-th sample of
            one order.
        remainder : {"keep", "drop", "pad"}
            What becomes of the samples at the end of an epoch that the ranks can't share evenly.
            "keep": some ranks get one more, so each sample comes once. "drop": they are left out.
            "pad": samples are repeated, and a third array of bool says which of a batch count.
        out : pair of arrays, or list of such pairs, optional
            Fill these in turn with images and labels instead of new arrays: a batch is good until
            the next is taken. One pair less than there are is made ahead, so none with a single
            pair. JAX and torch may look at that memory later than you think.
        threads : int, optional
            Threads that make batches, the loop's own among them, or unpack; by default one for each
            processor. What is made ahead takes one beside the loop's own at the least.
        prefetch : int
            How many batches are made ahead of the loop, at least. 0: none, and no thread is
            started.
        buffer : int, optional
            Bytes of memory for two shuffle windows, in which a gzip file is unpacked: blocks of
            records are shuffled, and the records within a shuffle window, as docs/batches.md tells.
            Of several ranks, each unpacks its share alone. By default 256 MiB for files of more
            than 1 GiB; smaller ones are read into memory. Raw files are mapped.

        Returns
        -------
        Batches
            Of ``(images, labels)``: new writable arrays in native byte order, ``(n, ...)`` and
            ``(n,)``, or ``(n, columns)`` with one_hot; with `len`, `set_epoch`, `state_dict` and
            `load_state_dict`.

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
        from ..loader.batches import Batches
        from ..loader.channels import ChannelLayout
        from ..loader.one_hot import columns
        from ..loader.options import BatchOptions

        if one_hot not in (False, True):
            raise TypeError(
                f"one_hot is True or False, not {one_hot!r}: labels and class names say how many "
                "columns there are"
            )
        layout = ChannelLayout(self.images.shape[1:], channels)
        scaling = scaling_of(lambda: self.moments, layout, scale, mean, std)
        options = BatchOptions(
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            dtype=dtype,
            scale=scaling.scale,
            mean=scaling.mean,
            std=scaling.std,
            channels=channels,
            one_hot=columns(self.labels, self.class_names or ()) if one_hot else 0,
            augment=augment,
            balanced=balanced,
            weights=weights,
            rank=rank,
            world_size=world_size,
            remainder=remainder,
            out=out,
            threads=threads,
            prefetch=prefetch,
            buffer=buffer,
        )
        return Batches(self._held, self.labels, options)

    @cached_property
    def _held(self) -> Materialized:
        return Materialized(self.images)

    @property
    def in_memory(self) -> Array | Selection:
        """The images as `Materialized.get` returns them. Compressed files are read once."""
        return self._held.get()

    def __repr__(self) -> str:
        return f"<idxio.Dataset {self._title()}>"

    def _title(self) -> str:
        shape = " x ".join(map(str, self.images.shape))
        order = ", sorted by label" if self.is_sorted else ""
        count = len(self.classes)
        classes = f"{count} {'class' if count == 1 else 'classes'}"
        return f"{shape} {self.images.dtype}, {classes}{order}"

    def _repr_html_(self) -> str:
        """For notebooks: the classes with their counts and first images."""
        from .preview import html

        title = f"idxio.Dataset: {self._title()}"
        return html(title, self.images, self.labels, self.counts, self.class_names or {})
