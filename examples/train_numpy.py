"""Softmax regression in plain numpy on MNIST-format files: 84 % test accuracy on Fashion-MNIST.

    python examples/train_numpy.py [DIRECTORY]

`idxio demo` ends with the same model.
"""

import sys

import idxio
from idxio.cli.demo.classifier import Softmax

EPOCHS, RATE = 3, 0.05


def main(directory: str | None = None) -> float:
    directory = directory or idxio.fetch("fashion-mnist")  # found on this machine, or downloaded
    train, test = idxio.load(directory, "train"), idxio.load(directory, "test")
    model = Softmax(28 * 28, train.classes)
    # float32 from 0 to 1, another order in each epoch; the same run every time, on any number of
    # threads.
    batches = train.batches(32, shuffle=True, seed=0, drop_last=True, scale=1 / 255)
    steps, step = EPOCHS * len(batches), 0
    for epoch in range(EPOCHS):
        for images, labels in batches:
            model.step(images, labels, RATE * (1 - step / steps))
            step += 1
        accuracy = model.accuracy(test)
        print(f"epoch {epoch + 1}: test accuracy {accuracy:.3f}")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
