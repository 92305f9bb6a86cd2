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


class Source:
    """The samples of a dataset, each ``{"image": array, "label": int}``.

    The array is new and in native byte order. Threads may share a source. Its pickle holds files as
    their paths. Its repr depends on the data alone, because Grain compares it in checkpoints.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: Any) -> dict[str, Any]:
        i = operator.index(index)
        image = self._dataset.images[i]
        return {
            "image": np.array(image, image.dtype.newbyteorder("=")),
            "label": int(self._dataset.labels[i]),
        }

    def __repr__(self) -> str:
        images = self._dataset.images
        name = f"{images.name!r}, " if isinstance(images, IdxArray) else ""
        return f"idxio.adapters.grain.Source({name}shape={images.shape}, dtype={images.dtype.name})"
