"""A small convolutional network in torch on MNIST-format files, with images flipped at random.

pip install 'idxio[torch]'
python examples/train_torch.py [DIRECTORY] [--epochs 17] [--seed 0]
"""

import argparse

import torch
from torch import nn

import idxio
from idxio.adapters.torch import TensorBatches
from idxio.transforms import RandomHorizontalFlip

BATCH, RATE, DECAY, SMOOTHING, DROPOUT = 128, 0.01, 0.05, 0.1, 0.2
MEAN, STD = 0.2860, 0.3530  # of the pixels of Fashion-MNIST's train images, from 0 to 1
PIXELS = {"channels": "first", "scale": 1 / 255, "mean": MEAN, "std": STD}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", help="Fashion-MNIST, if not given")
    parser.add_argument("--epochs", type=int, default=17)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    directory = options.directory or idxio.fetch("fashion-mnist")  # found here, or downloaded
    train, test = (idxio.load(directory, split) for split in ("train", "test"))
    # Flipped, cast and normalised as they are gathered: float32 of shape (n, 1, 28, 28).
    batches = TensorBatches(
        train.batches(
            BATCH,
            shuffle=True,
            seed=options.seed,
            drop_last=len(train) >= BATCH,
            augment=[RandomHorizontalFlip()],
            **PIXELS,
        )
    )
    model = network(len(train.classes)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=DECAY)
    steps = options.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    loss = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    for epoch in range(options.epochs):
        model.train()
        for images, labels in batches:
            optimizer.zero_grad()
            loss(model(images), labels).backward()
            optimizer.step()
            schedule.step()
        right = accuracy(model, TensorBatches(test.batches(1000, **PIXELS)))
        print(f"epoch {epoch + 1}: test accuracy {right:.4f}", flush=True)


def network(classes: int) -> nn.Module:
    """About 84 thousand parameters. Four pixels become four channels first, which saves time."""

    def block(inputs: int, outputs: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]

    return nn.Sequential(
        nn.PixelUnshuffle(2),
        *block(4, 32),
        *block(32, 64),
        nn.MaxPool2d(2),
        *block(64, 96),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(DROPOUT),
        nn.Linear(96 * 3 * 3, classes),  # of images of 28 x 28
    )


@torch.no_grad()
def accuracy(model: nn.Module, batches: TensorBatches) -> float:
    model.eval()
    right, count = 0, 0
    for images, labels in batches:
        right += int((model(images).argmax(1) == labels).sum())
        count += len(labels)
    return right / count


if __name__ == "__main__":
    main()
