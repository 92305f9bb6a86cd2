"""What a saved loop has."""

from __future__ import annotations

from typing import TypedDict


class BatchState(TypedDict):
    """The result of `Batches.state_dict`: where a loop is, and of which order of which dataset."""

    version: int
    """Of the order that idxio makes of these."""
    samples: int
    """How many the dataset has."""
    labels: int
    """CRC-32 of a sample of the labels; identifies the dataset."""
    seed: int
    shuffle: int
    balanced: int
    """The arguments of `Dataset.batches`; 1 is true."""
    weights: int
    """CRC-32 of the weights by which samples are drawn; 0 without."""
    window: int
    """The records of a shuffle window; 0 without."""
    chunk: int
    """The bytes of a chunk of the file, where the order depends on it; else 0."""
    epoch: int
    position: int
    """Behind the last batch, in the order of all ranks."""
