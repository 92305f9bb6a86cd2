"""What the transforms of idxio.transforms do, in numpy: the same to the bit.

Each reference gets images of shape (planes, height, width, channels), the transform, and a function
from k to the k-th number of 64 bits that it draws for this sample.
"""

from decimal import Context, Decimal

import numpy as np

M64 = (1 << 64) - 1


def mixed(*numbers):
    """splitmix64's finaliser over numbers of 64 bits, one by one."""
    value = 0
    for number in numbers:
        value = (value + number + 0x9E3779B97F4A7C15) & M64
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & M64
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & M64
        value ^= value >> 31
    return value


def horizontal_flip(image, flip, draw):
    return image[:, :, ::-1] if draw(0) >> 11 < flip.p * 2**53 else image


def vertical_flip(image, flip, draw):
    return image[:, ::-1] if draw(0) >> 11 < flip.p * 2**53 else image


def crop(image, crop, draw):
    padding = np.atleast_1d(crop.padding)
    left, top, right, bottom = np.tile(padding, 4 // len(padding)).tolist()
    size = image.shape[1:3] if crop.size is None else (np.ones(2, int) * crop.size).tolist()
    margins = [(0, 0), (top, bottom), (left, right), (0, 0)]
    padded = np.pad(image, margins, constant_values=crop.fill)
    i = draw(0) * (padded.shape[1] - size[0] + 1) >> 64
    j = draw(1) * (padded.shape[2] - size[1] + 1) >> 64
    return padded[:, i : i + size[0], j : j + size[1]]


def exact_exp(x):
    y, total = x / 4096, 1.0
    for k in range(8, 0, -1):
        total = 1 + y * total / k
    for _ in range(12):
        total = total * total
    return total


def erasing(image, erasing, draw):
    if draw(0) >> 11 >= erasing.p * 2**53:
        return image
    (least, most), (low, high) = erasing.scale, map(exact_log, erasing.ratio)
    h, w = image.shape[1:3]
    for k in range(1, 40, 4):
        area = h * w * (least + (most - least) * share(draw(k)))
        ratio = exact_exp(low + (high - low) * share(draw(k + 1)))
        height, width = np.sqrt(area * ratio) + 0.5, np.sqrt(area / ratio) + 0.5
        if height < h and width < w:
            height, width = int(height), int(width)
            i = draw(k + 2) * (h - height + 1) >> 64
            j = draw(k + 3) * (w - width + 1) >> 64
            image = image.copy()
            image[:, i : i + height, j : j + width] = erasing.value
            break
    return image


def share(drawn):
    return (drawn >> 11) / 2**53


def exact_log(x):
    return float(Context(prec=40).ln(Decimal(x)))


REFERENCES = {
    "RandomHorizontalFlip": horizontal_flip,
    "RandomVerticalFlip": vertical_flip,
    "RandomCrop": crop,
    "RandomErasing": erasing,
}


def augmented(image, transforms, seed, epoch, position):
    """The image of the sample at a position; a record as a Dataset has it."""
    is_first = image.ndim == 3 and image.shape[0] <= 4
    planes = image if is_first else image[None]
    planes = planes if image.ndim == 3 and not is_first else planes[..., None]
    for number, transform in enumerate(transforms):

        def draw(k, number=number):
            return mixed(seed, epoch, M64, number, position, k)

        planes = REFERENCES[type(transform).__name__](planes, transform, draw)
    if image.ndim == 2:
        return planes[0, :, :, 0]
    return planes[..., 0] if is_first else planes[0]


def augmented_epoch(images, order, transforms, seed, epoch):
    """A whole epoch, in the order in which its samples come."""
    return np.stack(
        [augmented(images[i], transforms, seed, epoch, k) for k, i in enumerate(order)]
    ).astype(images.dtype.newbyteorder("="))
