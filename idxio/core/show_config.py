"""show_config(): the codec libraries that are there, as text."""

from __future__ import annotations

import platform
import sys

import numpy as np

from .._native import inflate, lanes
from .._util.public import public
from .._util.version import __version__
from ..compression.registry import COMPRESSIONS


@public
def show_config() -> str:
    """A text that says which codec libraries are built in or found, and what that costs, for people
    and bug reports.

    Returns
    -------
    str
        Lines to print.

    Examples
    --------
    >>> import idxio
    >>> print(idxio.show_config())  # doctest: +ELLIPSIS
    idxio ...
    """
    zlib, libdeflate, isal = inflate.versions()
    if libdeflate:
        codec = f"{libdeflate}: gzip is decoded at full speed"
    else:
        codec = (
            "not built in: everything works, gzip is decoded with zlib at about half the speed. For"
            " libdeflate, install its headers and pkg-config and build idxio again with"
            " IDXIO_LIBDEFLATE=on"
        )
    if isal:
        checksum = f"{isal}: CRC-32"
    else:
        library = "libdeflate" if libdeflate else "zlib"
        checksum = f"not built in: {library} computes CRC-32"
    if not lanes.supported():
        decoding = "off: this processor or build has none"
    elif lanes.mode() == "off":
        decoding = "off, as IDXIO_LANES says"
    else:
        decoding = f"{lanes.mode()}: four pieces of a gzip are decoded at once on each core"
    machine = f"{platform.system()} {platform.machine()}, {sys.byteorder}-endian"
    python = f"Python {platform.python_version()}, numpy {np.__version__}"
    libraries = {kind.packing: kind.library() for kind in COMPRESSIONS}
    return "\n".join(
        (
            f"idxio {__version__}, {python}, {machine}",
            *(f"{name:12}{library}" for name, library in libraries.items() if library),
            f"zlib        {zlib}: gzip piece by piece",
            f"libdeflate  {codec}",
            f"lanes       {decoding}",
            f"ISA-L       {checksum}",
        )
    )
