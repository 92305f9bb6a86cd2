"""Read, open and write IDX files, the format of MNIST and Fashion-MNIST, at full speed."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._util.version import __version__ as __version__
from .errors import ChangedError, ChecksumError, FormatError, IdxError, PictureError, TruncatedError

if _TYPE_CHECKING:
    from .convert.build import build
    from .convert.export import export_dataset
    from .convert.import_ import import_dataset
    from .core.array import IdxArray
    from .core.array import open_array as open
    from .core.build_index import build_index
    from .core.info import Info, info, verify
    from .core.read import read
    from .core.repack import repack
    from .core.show_config import show_config
    from .core.write import Writer, write
    from .datasets.dataset import Dataset
    from .datasets.load import load
    from .datasets.published.fetch import fetch
    from .datasets.sort import write_sorted
    from .datasets.validation.check import Check, check

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
    "fetch",
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


# Imported on use: a program that may need idxio starts without waiting for it.
_ON_USE = {
    "Check": "datasets.validation.check",
    "Dataset": "datasets.dataset",
    "IdxArray": "core.array",
    "Info": "core.info",
    "Writer": "core.write",
    "build": "convert.build",
    "build_index": "core.build_index",
    "check": "datasets.validation.check",
    "export_dataset": "convert.export",
    "fetch": "datasets.published.fetch",
    "import_dataset": "convert.import_",
    "info": "core.info",
    "load": "datasets.load",
    "open": "core.array",
    "read": "core.read",
    "repack": "core.repack",
    "show_config": "core.show_config",
    "verify": "core.info",
    "write": "core.write",
    "write_sorted": "datasets.sort",
}


def __getattr__(name: str) -> _Any:
    if name in _ON_USE:
        from importlib import import_module

        module = import_module(f"{__name__}.{_ON_USE[name]}")
        value = getattr(module, "open_array" if name == "open" else name)
        globals()[name] = value  # found at once from now on
        return value
    raise AttributeError(f"module 'idxio' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
