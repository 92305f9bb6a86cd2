"""Read, open and write IDX files, the format of MNIST and Fashion-MNIST, at full speed."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .array import IdxArray
from .array import open_array as open
from .config import show_config
from .errors import ChangedError, ChecksumError, FormatError, IdxError, PictureError, TruncatedError
from .indexfile import build_index
from .inspecting import Info, info, verify
from .reading import read
from .repacking import repack
from .writing import Writer, write

if _TYPE_CHECKING:
    from .checking import Check, check
    from .convert.build import build
    from .convert.exporting import export_dataset
    from .convert.importing import import_dataset
    from .dataset import Dataset
    from .loading import load
    from .sorting import write_sorted

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


# Imported on use: what reading and writing a file do without.
_ON_USE = {
    "Check": "checking",
    "Dataset": "dataset",
    "build": "convert.build",
    "check": "checking",
    "export_dataset": "convert.exporting",
    "import_dataset": "convert.importing",
    "load": "loading",
    "write_sorted": "sorting",
}


def __getattr__(name: str) -> _Any:
    if name in _ON_USE:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_ON_USE[name]}"), name)
    raise AttributeError(f"module 'idxio' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_USE})
