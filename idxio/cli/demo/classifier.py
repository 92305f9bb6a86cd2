"""Softmax regression in plain numpy: enough to see that images and labels belong together."""

from __future__ import annotations

import time

import numpy as np

from ..._util.types import Array
from ...datasets.dataset import Dataset

# OpenBLAS multiplies up to 2**18 in one thread, here 32 x 784 x 10. Its threads would wait for each
# other in every step: on two busy cores, batches of 200 took 4 s instead of 0.4 s.
BATCH = 32
_PIECE = 4096  # images to predict at once, so that there is no float copy of all
_MOMENTUM = 0.9


class Softmax:
    """The score of each class is pixels @ weights + bias; trained by gradient descent with
    momentum.
    """

    def __init__(self, pixels: int, classes: Array) -> None:
        self.classes = classes
        """The labels, ascending."""
        self.weights = np.zeros((pixels, len(classes)), np.float32)
        self.bias = np.zeros(len(classes), np.float32)
        self._weights_speed = np.zeros_like(self.weights)
        self._bias_speed = np.zeros_like(self.bias)

    def step(self, images: Array, labels: Array, rate: float) -> None:
        """Learn from one batch of float32 images, each from 0 to 1."""
        pixels = images.reshape(len(images), -1)
        scores = pixels @ self.weights + self.bias
        error = np.exp(scores - scores.max(axis=1, keepdims=True))
        error /= error.sum(axis=1, keepdims=True)
        error[np.arange(len(labels)), np.searchsorted(self.classes, labels)] -= 1
        error *= rate / len(labels)
        self._weights_speed = _MOMENTUM * self._weights_speed - pixels.T @ error
        self._bias_speed = _MOMENTUM * self._bias_speed - error.sum(axis=0)
        self.weights += self._weights_speed
        self.bias += self._bias_speed

    def accuracy(self, data: Dataset) -> float:
        """Return the share of the uint8 images of a dataset that are classified right."""
        right = 0
        for images, labels in data.batches(_PIECE, scale=1 / 255, prefetch=0):
            scores = images.reshape(len(images), -1) @ self.weights + self.bias
            right += int((self.classes[scores.argmax(axis=1)] == labels).sum())
        return right / len(data)


def fit(data: Dataset, *, steps: int = 5000, rate: float = 0.05, seconds: float = 4.0) -> Softmax:
    """Train on uint8 images for so many batches, and for `seconds` at most."""
    model = Softmax(int(np.prod(data.images.shape[1:])), data.classes)
    # One batch of this size is gathered sooner than handed over by another thread.
    batches = data.batches(BATCH, shuffle=True, seed=0, scale=1 / 255, prefetch=0)
    start = time.perf_counter()
    step = 0
    while True:
        for images, labels in batches:
            # The rate falls to zero, so that the last batches don't decide.
            left = 1 - max(step / steps, (time.perf_counter() - start) / seconds)
            if left <= 0:
                return model
            model.step(images, labels, left * rate)
            step += 1
