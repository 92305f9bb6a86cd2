"""Softmax regression in plain numpy: enough to see that images and labels belong together."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# OpenBLAS multiplies up to 2**18 in one thread, here 32 x 784 x 10. Its threads would wait for each other in every
# step: on two busy cores, batches of 200 took 4 s instead of 0.4 s.
_BATCH = 32
_PIECE = 4096  # images to predict at once, so that there is no float copy of all


class Softmax(NamedTuple):
    """A trained model: the score of each class is pixels @ weights + bias."""

    weights: Array
    bias: Array
    classes: Array

    def predict(self, images: Array) -> Array:
        """The class of each of (n, ...) uint8 images."""
        best = np.empty(len(images), np.intp)
        for start in range(0, len(images), _PIECE):
            piece = slice(start, start + _PIECE)
            best[piece] = np.argmax(_pixels(images[piece]) @ self.weights + self.bias, axis=1)
        predicted: Array = self.classes[best]
        return predicted


def fit(images: Array, labels: Array, *, steps: int = 5000, rate: float = 0.05, seconds: float = 4.0) -> Softmax:
    """Train on (n, ...) uint8 images by mini-batch gradient descent with momentum, for `seconds` at most."""
    rng = np.random.default_rng(0)
    classes, targets = np.unique(labels, return_inverse=True)
    weights = np.zeros((images[0].size, len(classes)), np.float32)
    bias = np.zeros(len(classes), np.float32)
    weights_speed, bias_speed = np.zeros_like(weights), np.zeros_like(bias)
    start = time.perf_counter()
    for step in range(steps):
        # The rate falls to zero, so that the last batches don't decide.
        left = 1 - max(step / steps, (time.perf_counter() - start) / seconds)
        if left <= 0:
            break
        rows = rng.integers(0, len(images), _BATCH)
        pixels = _pixels(images[rows])
        scores = pixels @ weights + bias
        error = np.exp(scores - scores.max(axis=1, keepdims=True))
        error /= error.sum(axis=1, keepdims=True)
        error[np.arange(_BATCH), targets[rows]] -= 1
        error *= left * rate / _BATCH
        weights_speed = 0.9 * weights_speed - pixels.T @ error
        bias_speed = 0.9 * bias_speed - error.sum(axis=0)
        weights += weights_speed
        bias += bias_speed
    return Softmax(weights, bias, classes)


def _pixels(images: Array) -> Array:
    """float32 of shape (n, pixels), 0 to 1."""
    return np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)
