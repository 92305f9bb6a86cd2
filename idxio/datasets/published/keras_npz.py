"""MNIST as Keras keeps it: four arrays in mnist.npz."""

from __future__ import annotations

import hashlib
import os

import numpy as np

from ...core.write import write
from ...errors import naming
from ...storage.regular import open_regular
from .table import PublishedFile

# keras 3.15.1, datasets/mnist.py
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_ARRAYS = {
    "train-images-idx3-ubyte.gz": "x_train",
    "train-labels-idx1-ubyte.gz": "y_train",
    "t10k-images-idx3-ubyte.gz": "x_test",
    "t10k-labels-idx1-ubyte.gz": "y_test",
}
_BLOCK = 1 << 20


def is_it(path: str) -> bool:
    """Whether a file is the one that Keras fetches."""
    if not os.path.isfile(path):
        return False
    digest = hashlib.sha256()
    with naming(path), open(path, "rb", opener=open_regular) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest() == SHA256


def write_member(path: str, file: PublishedFile, target: str) -> None:
    """Write one of its arrays as an IDX file."""
    with np.load(path, allow_pickle=False) as arrays:
        write(target, arrays[_ARRAYS[file.name]])
