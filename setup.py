"""Finds zlib, libdeflate and ISA-L and lists the native modules; everything else is in
pyproject.toml.
"""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from Cython.Build import cythonize
from setuptools import Extension, setup

# Used where pkg-config finds them: what of them, and the packages of Debian and Homebrew.
OPTIONAL = {
    # The first libdeflate whose decompressor takes an exact end and more than one member.
    "IDXIO_LIBDEFLATE": ("libdeflate >= 1.9", "libdeflate-dev", "libdeflate"),
    # The oldest that is tested; crc32_gzip_refl is older.
    "IDXIO_ISAL": ("libisal >= 2.30", "libisal-dev", "isa-l"),
}


def pkg_config(*arguments: str) -> list[str] | None:
    """The words that pkg-config prints, or None where it or the library is missing."""
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), *arguments]
    try:
        return shlex.split(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
        )
    except (OSError, subprocess.CalledProcessError):
        return None


def codec() -> dict[str, Any]:
    """Compiler and linker flags of the codec libraries, as IDXIO_LIBDEFLATE and IDXIO_ISAL ask."""
    macros = []
    compile_args = pkg_config("--cflags", "zlib") or []
    link_args = pkg_config("--libs", "zlib") or ["-lz"]
    for macro, (needed, debian, homebrew) in OPTIONAL.items():
        wish = os.environ.get(macro, "auto")
        if wish not in ("auto", "on", "off"):
            raise SystemExit(f"{macro} is {wish!r}; it takes auto, on or off")
        name = needed.split()[0]
        if wish != "off" and pkg_config("--exists", needed) is not None:
            macros.append((macro, "1"))
            compile_args += pkg_config("--cflags", name) or []
            link_args += pkg_config("--libs", name) or []
        elif wish == "on":
            raise SystemExit(
                f"{macro}=on, but pkg-config finds no {needed}. Install it "
                f"(Debian: {debian} pkg-config; Homebrew: {homebrew} pkg-config) or set {macro}=off"
            )
    return {
        "define_macros": macros,
        "extra_compile_args": compile_args,
        "extra_link_args": link_args,
    }


CODEC = codec()
NAMES = (
    "gather",
    "thread_pool",
    "csv_parser",
    "byteorder",
    "pages",
    "permutation",
    "image_ops",
    "buffer_pool",
    "row_stats",
    "block_finder",
)
HEADERS = sorted(str(path) for path in Path("idxio/_native").glob("*.h"))
WARNINGS = ["-Wall", "-Wextra", "-Werror"] if os.environ.get("IDXIO_WERROR") else []
# for example "-fsanitize=address,undefined -g"
SANITIZE = shlex.split(os.environ.get("IDXIO_SANITIZE", ""))


def extension(name: str, *sources: str, **flags: Any) -> Extension:
    compile_args = [
        "-O3",
        "-ffp-contract=off",
        "-g0",
        *WARNINGS,
        *SANITIZE,
        *flags.pop("extra_compile_args", []),
    ]
    link_args = [*SANITIZE, *flags.pop("extra_link_args", [])]
    return Extension(
        f"idxio._native.{name}",
        [f"idxio/_native/{name}.pyx", *sources],
        depends=HEADERS,
        include_dirs=["idxio/_native"],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
        **flags,
    )


setup(
    ext_modules=cythonize(
        [extension(name, **CODEC) for name in ("deflate", "inflate")]
        + [extension("lanes", "idxio/_native/lanes_core.c", **CODEC)]
        + [extension("transforms", libraries=["m"])]
        + [extension(name) for name in NAMES],
        language_level=3,
        build_dir="build/cython",
    )
)
