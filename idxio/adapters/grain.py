"""A data source for Grain.

Use it as ``grain.MapDataset.source(Source(ds))`` or ``grain.DataLoader(data_source=Source(ds))``.
Grain is not imported: it takes any object with the methods of `Source`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core.array import IdxArray
from ..datasets.dataset import Dataset
from ..loader.channels import ChannelLayout, Channels


class Source:
    """The samples of a dataset, each ``{"image": array, "label": int}``.

    The array is new and in native byte order. Threads may share a source. Its pickle holds files as
    their paths. Its repr depends on data and channels alone: Grain compares it in checkpoints.
    """

    def __init__(self, dataset: Dataset, *, channels: Channels | None = None) -> None:
        """channels: "first" or "last", as for `Dataset.batches`: where images have them."""
        self._dataset = dataset
        self._channels = channels
        self._layout = ChannelLayout(dataset.images.shape[1:], channels)

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: Any) -> dict[str, Any]:
        i = operator.index(index)
        image = self._dataset.images[i]
        image = np.array(image, image.dtype.newbyteorder("="))
        if not self._layout.is_as_stored:
            image = self._layout.shown(image[None])[0]
        return {
            "image": image,
            "label": int(self._dataset.labels[i]),
        }

    def __repr__(self) -> str:
        images = self._dataset.images
        name = f"{images.name!r}, " if isinstance(images, IdxArray) else ""
        more = f", channels={self._channels!r}" if self._channels else ""
        about = f"{name}shape={images.shape}, dtype={images.dtype.name}{more}"
        return f"idxio.adapters.grain.Source({about})"
