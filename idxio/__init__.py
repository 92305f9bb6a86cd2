"""Read, open and write IDX files, the format of MNIST and Fashion-MNIST, at full speed."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .array import IdxArray
from .array import open_array as open
from .checking import Check, check
from .config import show_config
from .dataset import Dataset
from .errors import ChangedError, ChecksumError, FormatError, IdxError, PictureError, TruncatedError
from .indexfile import build_index
from .inspecting import Info, info, verify
from .loading import load
from .reading import read
from .repacking import repack
from .sorting import write_sorted
from .writing import Writer, write

if _TYPE_CHECKING:
    from .convert.build import build
    from .convert.exporting import export_dataset
    from .convert.importing import import_dataset

__version__ = "0.1.0"

__all__ = [
    "ChangedError",
    "Check",
    "ChecksumError",
    "Dataset",
    "FormatError",
    "IdxArray",
    "IdxError",
    "Info",
    "PictureError",
    "TruncatedError",
    "Writer",
    "build",
    "build_index",
    "check",
    "export_dataset",
    "import_dataset",
    "info",
    "load",
    "open",
    "read",
    "repack",
    "show_config",
    "verify",
    "write",
    "write_sorted",
]


# Imported on use: they bring modules along that reading and writing do without.
_LAZY = {"build": "build", "export_dataset": "exporting", "import_dataset": "importing"}


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.convert.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'idxio' has no attribute {name!r}")
