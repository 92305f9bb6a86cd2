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


def affine(image, affine, draw):
    low, high = (
        np.ravel([affine.degrees]) if np.ndim(affine.degrees) else (-affine.degrees, affine.degrees)
    )
    least, most = affine.scale or (1.0, 1.0)
    h, w = image.shape[1:3]
    shares = np.multiply(affine.translate or (0, 0), (w, h)).tolist()
    tx, ty = (int(np.floor((2 * share(draw(k + 1)) - 1) * shares[k] + 0.5)) for k in (0, 1))
    turn = exact_sine(float(low) + (float(high) - float(low)) * share(draw(0)))
    zoom = float(least) + (float(most) - float(least)) * share(draw(3))
    sine, cosine = (int(np.floor(part / zoom * 2.0**24 + 0.5)) for part in turn)
    v, u = np.mgrid[1 - h : h : 2, 1 - w : w : 2] - 2 * np.array([ty, tx])[:, None, None]
    x = u * cosine + v * sine + w * 2**24
    y = v * cosine - u * sine + h * 2**24
    framed = np.pad(image, ((0, 0), (1, 2), (1, 2), (0, 0)))  # zeros for all that is outside
    if affine.interpolation == "nearest":
        return framed[:, np.clip(y >> 25, -1, h) + 1, np.clip(x >> 25, -1, w) + 1]
    x, y = x + 2**24 + 2**16, y + 2**24 + 2**16
    return mean_of_four(framed, x, y, image.dtype)


def mean_of_four(framed, x, y, dtype):
    h, w = framed.shape[1] - 3, framed.shape[2] - 3
    is_near = ((x >= 0) & (y >= 0) & (x >> 25 <= w) & (y >> 25 <= h))[..., None]
    i, j = np.clip(y >> 25, 0, h), np.clip(x >> 25, 0, w)
    down, right = ((place >> 17 & 255)[..., None] for place in (y, x))
    four = framed[:, i, j], framed[:, i, j + 1], framed[:, i + 1, j], framed[:, i + 1, j + 1]
    if dtype.kind == "f":
        native = dtype.newbyteorder("=")
        a, b, c, d = (np.where(is_near, part, 0).astype(native) for part in four)
        above, left, down, right = (
            n.astype(native) / native.type(256) for n in (256 - down, 256 - right, down, right)
        )
        return ((a * left + b * right) * above + (c * left + d * right) * down).astype(dtype)
    a, b, c, d = (np.where(is_near, part, 0).astype(np.int64) for part in four)
    total = (a * (256 - right) + b * right) * (256 - down) + (c * (256 - right) + d * right) * down
    return (total + 32768 >> 16).astype(dtype)


def exact_sine(degrees):
    """Sine and cosine."""
    quarters = int(np.floor(degrees / 90 + 0.5))
    y = (degrees / 90 - quarters) * 1.5707963267948966
    series = {17: 1.0, 16: 1.0}
    for first in series:
        for k in range(first, 1, -2):
            series[first] = 1 - y * y * series[first] / (k * (k - 1))
    s, c = y * series[17], series[16]
    return [(s, c), (c, -s), (-s, -c), (-c, s)][quarters % 4]


def share(drawn):
    return (drawn >> 11) / 2**53


def exact_log(x):
    return float(Context(prec=40).ln(Decimal(x)))


REFERENCES = {
    "RandomHorizontalFlip": horizontal_flip,
    "RandomVerticalFlip": vertical_flip,
    "RandomAffine": affine,
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
