"""What ``ds.batches(..., augment=[...])`` does to images while it makes a batch.

Names and defaults are those of torchvision. A transform applies to each image on its own, before
cast and scaling, and is drawn anew in each epoch. `MixUp` and `CutMix` apply to whole batches,
behind all that.
"""

from .loader.mixing import CutMix as CutMix
from .loader.mixing import MixUp as MixUp
from .loader.random_affine import RandomAffine as RandomAffine
from .loader.random_crop import RandomCrop as RandomCrop
from .loader.random_erasing import RandomErasing as RandomErasing
from .loader.transforms import RandomHorizontalFlip as RandomHorizontalFlip
from .loader.transforms import RandomVerticalFlip as RandomVerticalFlip

__all__ = [
    "CutMix",
    "MixUp",
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
]
