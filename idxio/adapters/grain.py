"""A data source for Grain: ``grain.MapDataset.source(Source(ds))`` or ``grain.DataLoader(data_source=Source(ds))``.

Grain is not imported: a source is whatever has these three methods.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core.array import IdxArray
from ..datasets.dataset import Dataset


class Source:
    """The samples of a dataset, each ``{"image": array, "label": int}``: a new array in native byte order.

    Threads may share it. Pickled, files are their paths. Its repr depends on the data alone, as Grain's checkpoints
    need it.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: Any) -> dict[str, Any]:
        i = operator.index(index)
        image, label = self._dataset.images[i], self._dataset.labels[i]
        return {"image": np.array(image, image.dtype.newbyteorder("=")), "label": int(label)}

    def __repr__(self) -> str:
        images = self._dataset.images
        name = f"{images.name!r}, " if isinstance(images, IdxArray) else ""
        return f"idxio.adapters.grain.Source({name}shape={images.shape}, dtype={images.dtype.name})"
