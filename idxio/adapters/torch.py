"""Datasets for torch: samples by index for its DataLoader, and whole batches as tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import starmap
from typing import Any

import numpy as np

from ..datasets.dataset import Dataset
from ..datasets.scaling import scaling_of
from ..loader.batches import Batches, Conversion
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

    An item is ``(image, label)``: a tensor of new memory, and a 0-d int64 tensor. A DataLoader asks
    for a whole batch at once. Images of files are read at the first access, so workers that are
    spawned read for themselves.

    Parameters
    ----------
    dataset : Dataset
    dtype, scale, mean, std, channels
        As for `Dataset.batches`.
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

    Parameters
    ----------
    batches : Batches
    device : str or torch.device, optional
        Where the tensors are to be, in a loop in this process. Images go there in the type in which
        they are stored, and become `dtype` and are scaled there, with the same bits. To a GPU they
        go from pinned memory on a stream of their own, a batch ahead of the loop.
    """

    def __init__(self, batches: Batches, *, device: str | torch.device | None = None) -> None:
        _check_type("TensorBatches takes ds.batches(...)", batches, Batches)
        self.batches = batches
        self._device = None if device is None else torch.device(device)
        if self._device is not None and batches.has_out:
            raise ValueError("batches with out= stay where that is: leave out= or device= away")
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
        if self._device is not None:
            raise ValueError(
                "the workers of a DataLoader have no device: leave device= away, or iterate"
                " TensorBatches as it is, whose threads make batches ahead"
            )
        if self.batches.has_out:
            raise ValueError(
                "batches with out= can't be made by the workers of a DataLoader: leave out= away"
            )
        epoch, position = self._shared.numpy().view(np.uint64).tolist()
        self.batches.go_to(epoch, position)
        return starmap(tensors, self.batches.part(worker.id, worker.num_workers, np.int64))

    def _here(self) -> Iterator[tuple[torch.Tensor, ...]]:
        try:
            if self._device is None:
                yield from starmap(tensors, self.batches.part(0, 1, np.int64))
            else:
                move = _Mover(self._device, self.batches.conversion)
                yield from self.batches.unconverted(move.each, np.int64)
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

    def __repr__(self) -> str:
        return f"<idxio.adapters.torch.TensorBatches of {self.batches!r}>"


class _Mover:
    """Brings batches to a device, each while the loop has the one before; converts images there."""

    def __init__(self, device: torch.device, conversion: Conversion) -> None:
        self._device = device
        self._dtype = _from_numpy(np.empty(0, conversion.dtype)).dtype
        factors = conversion.factors or ()
        self._factors = [torch.tensor(factor, device=device) for factor in factors]
        # Work on another stream than the loop's need not wait for the loop's.
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def each(self, batches: Iterator[tuple[Any, ...]]) -> Iterator[tuple[torch.Tensor, ...]]:
        """The batches on the device; one more than the loop has is on its way."""
        before = None
        while True:
            try:
                batch = next(batches, None)
            except Exception:  # of a batch that is not due yet
                if before is not None:
                    yield self._end(*before)
                raise
            begun = None if batch is None else self._begin(tensors(*batch))
            if before is not None:
                yield self._end(*before)
            if begun is None:
                return
            before = begun

    def _begin(self, batch: tuple[torch.Tensor, ...]) -> tuple[tuple[torch.Tensor, ...], Any]:
        """The batch as it will be on the device, and what tells when it is there."""
        if self._stream is None:
            images, *others = (tensor.to(self._device) for tensor in batch)
            return (self._convert(images), *others), None
        with torch.cuda.stream(self._stream):
            # torch keeps the pinned memory until it is copied.
            images, *others = (
                tensor.pin_memory().to(self._device, non_blocking=True) for tensor in batch
            )
            moved = (self._convert(images), *others)
            return moved, self._stream.record_event()

    def _end(self, moved: tuple[torch.Tensor, ...], event: Any) -> tuple[torch.Tensor, ...]:
        """A batch that the loop's stream uses once it is there."""
        if event is not None:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(event)
            for tensor in moved:
                tensor.record_stream(stream)  # whose work may outlive the tensor
        return moved

    def _convert(self, images: torch.Tensor) -> torch.Tensor:
        images = images.to(self._dtype)
        if self._factors:
            a, b = self._factors
            images = images.mul_(a).add_(b)  # two steps: each is rounded, as in memory
        return images


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
