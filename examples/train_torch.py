"""A small network in torch on MNIST-format files: 86 % test accuracy on Fashion-MNIST.

pip install 'idxio[torch]'
python examples/train_torch.py [DIRECTORY]
"""

import sys

import torch
from torch import nn

import idxio
from idxio.adapters.torch import TensorBatches

EPOCHS, RATE = 2, 0.15
MEAN, STD = 0.2860, 0.3530  # of the pixels of the train images, from 0 to 1


def main(directory: str = "/usr/share/datasets/fashion-mnist") -> float:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so small a network is learned no faster by more
    train, test = idxio.load(directory, "train"), idxio.load(directory, "test")
    # float32, normalised as they are gathered
    pixels = {"scale": 1 / 255, "mean": MEAN, "std": STD}
    batches = TensorBatches(train.batches(64, shuffle=True, seed=0, drop_last=True, **pixels))

    model = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=EPOCHS * len(batches))
    for epoch in range(EPOCHS):
        for images, labels in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            schedule.step()
        right = accuracy(model, TensorBatches(test.batches(1000, **pixels)))
        print(f"epoch {epoch + 1}: test accuracy {right:.3f}")
    return right


@torch.no_grad()
def accuracy(model: nn.Module, batches: TensorBatches) -> float:
    right, count = 0, 0
    for images, labels in batches:
        right += int((model(images).argmax(1) == labels).sum())
        count += len(labels)
    return right / count


if __name__ == "__main__":
    main(*sys.argv[1:])
