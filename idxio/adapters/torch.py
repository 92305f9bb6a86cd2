"""Datasets for torch: samples by index for its DataLoader, and whole batches as tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import starmap
from typing import Any

import numpy as np

from ..datasets.dataset import Dataset
from ..datasets.scaling import scaling_of
from ..loader.batches import Batches
from ..loader.channels import ChannelLayout, Channels
from ..loader.gather import RowGatherer
from ..loader.materialize import locate
from ..loader.state import BatchState

try:
    import torch
    from torch.utils.data import Dataset as TorchDataset
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError as error:
    raise ImportError(
        f"idxio.adapters.torch needs torch: pip install 'idxio[torch]' ({error})"
    ) from error


_INT64 = np.dtype(np.int64)
_from_numpy = torch.from_numpy


class Samples(TorchDataset[Any]):
    """The samples of a dataset by index, for ``torch.utils.data.DataLoader`` to shuffle and batch.

    Parameters
    ----------
    dataset : Dataset
    dtype, scale, mean, std, channels
        As for `Dataset.batches`.

    An item is ``(image, label)``: a tensor of new memory, and a 0-d int64 tensor. A DataLoader asks
    for a whole batch at once. Images of files are read at the first access, so workers that are
    spawned read for themselves.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        dtype: Any = None,
        scale: Any = None,
        mean: Any = None,
        std: Any = None,
        channels: Channels | None = None,
    ) -> None:
        _check_type("Samples takes a Dataset", dataset, Dataset)
        self._dataset = dataset
        images = dataset.images
        self._layout = ChannelLayout(images.shape[1:], channels)
        scaling = scaling_of(lambda: dataset.moments, self._layout, scale, mean, std)
        self._rows = RowGatherer(images.dtype, images.shape[1:], dtype, *scaling)

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The samples with these indices; their tensors share the memory of one batch."""
        ids = np.asarray(indices)
        n = len(self)
        if ids.size == 0:
            return []
        if ids.dtype.kind not in "iu":
            raise TypeError(f"a sample is asked for by an integer, not by {indices!r}")
        if ids.min() < -n or ids.max() >= n:
            outside = ids[(ids < -n) | (ids >= n)]
            raise IndexError(f"there is no sample {outside[0]}; there are {n}")
        ids = np.where(ids < 0, ids + n, ids).astype(np.int64)
        source, rows = locate(self._dataset.in_memory, ids)
        shown = self._layout.shown(self._rows.gather(source, rows))
        images, labels = tensors(shown, self._dataset.labels[ids])
        return list(zip(images, labels, strict=True))


class TensorBatches(IterableDataset[Any]):
    """The batches of ``ds.batches(...)`` as tensors, without a copy; labels are int64, or one-hot.

    Iterate it as it is. Or give it to ``DataLoader(..., batch_size=None, num_workers=...)``: the
    workers share an epoch, and the batches come in the same order. Loops of workers do not advance
    this object, so call its `set_epoch` before each of them; its state is that of loops in this
    process only. Workers can't make batches with `out`, because they still send one batch while
    they make the next.
    """

    def __init__(self, batches: Batches) -> None:
        _check_type("TensorBatches takes ds.batches(...)", batches, Batches)
        self.batches = batches
        # Epoch and position where workers begin, in shared memory: persistent workers outlive a
        # loop.
        self._shared = torch.zeros(2, dtype=torch.int64).share_memory_()
        self._share_begin()

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        worker = get_worker_info()
        if worker is None:
            return self._here()
        if self.batches.has_out:
            raise ValueError(
                "batches with out= can't be made by the workers of a DataLoader: leave out= away"
            )
        epoch, position = self._shared.numpy().view(np.uint64).tolist()
        self.batches.go_to(epoch, position)
        return starmap(tensors, self.batches.part(worker.id, worker.num_workers, np.int64))

    def _here(self) -> Iterator[tuple[torch.Tensor, ...]]:
        try:
            yield from starmap(tensors, self.batches.part(0, 1, np.int64))
        finally:
            self._share_begin()

    def _share_begin(self) -> None:
        """Let workers begin where the next loop in this process would."""
        self._shared.numpy().view(np.uint64)[:] = self.batches.begin

    def set_epoch(self, epoch: int) -> None:
        """Go through this epoch next, from its start."""
        self.batches.set_epoch(epoch)
        self._share_begin()

    def state_dict(self) -> BatchState:
        """As `Batches.state_dict`."""
        return self.batches.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As `Batches.load_state_dict`."""
        self.batches.load_state_dict(state)
        self._share_begin()


def tensors(images: Any, labels: Any, *valid: Any) -> tuple[torch.Tensor, ...]:
    """One batch of new native arrays as tensors that share their memory.

    Labels become int64, the type that losses of torch take, but for one-hot ones.
    """
    # Once a batch, with caches full of images: each call left out is a tenth of a microsecond.
    if labels.dtype is not _INT64 and labels.ndim == 1:
        labels = labels.astype(_INT64, copy=False)
    if valid:
        return _from_numpy(images), _from_numpy(labels), *map(_from_numpy, valid)
    return _from_numpy(images), _from_numpy(labels)


def _check_type(takes: str, given: object, expected: type) -> None:
    """Raise TypeError for an argument of another type."""
    if not isinstance(given, expected):
        raise TypeError(f"{takes}, not {type(given).__name__}")
