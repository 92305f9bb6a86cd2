"""Read, open and write IDX files, the format of MNIST and Fashion-MNIST, at full speed."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .array import IdxArray
from .array import open_array as open
from .config import show_config
from .dataset import Dataset
from .errors import ChangedError, ChecksumError, FormatError, IdxError, TruncatedError
from .indexfile import build_index
from .inspecting import Info, info, verify
from .loading import load
from .reading import read
from .repacking import repack
from .sorting import write_sorted
from .writing import Writer, write

if _TYPE_CHECKING:
    from .convert.exporting import export_dataset
    from .convert.importing import import_dataset

__version__ = "0.1.0"

__all__ = [
    "ChangedError",
    "ChecksumError",
    "Dataset",
    "FormatError",
    "IdxArray",
    "IdxError",
    "Info",
    "TruncatedError",
    "Writer",
    "build_index",
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


def __getattr__(name: str) -> _Any:
    # Imported on use: they bring zipfile, csv and json along.
    if name == "export_dataset":
        from .convert.exporting import export_dataset

        return export_dataset
    if name == "import_dataset":
        from .convert.importing import import_dataset

        return import_dataset
    raise AttributeError(f"module 'idxio' has no attribute {name!r}")
