"""Read, open and write IDX files, the format of MNIST and Fashion-MNIST, at full speed."""

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
