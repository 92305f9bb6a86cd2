"""Finds zlib and libdeflate and lists the native modules; everything else is in pyproject.toml."""

import os
import shlex
import subprocess
from typing import Any

from Cython.Build import cythonize
from setuptools import Extension, setup


def pkg_config(*arguments: str) -> list[str] | None:
    """The words that pkg-config prints, or None where it or the library is missing."""
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), *arguments]
    try:
        return shlex.split(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return None


def codec() -> dict[str, Any]:
    """Compiler and linker flags of the codec libraries, as IDXIO_LIBDEFLATE asks."""
    wish = os.environ.get("IDXIO_LIBDEFLATE", "auto")
    if wish not in ("auto", "on", "off"):
        raise SystemExit(f"IDXIO_LIBDEFLATE is {wish!r}; it takes auto, on or off")
    compile_args = pkg_config("--cflags", "zlib") or []
    link_args = pkg_config("--libs", "zlib") or ["-lz"]
    macros = []
    # 1.9 is the first libdeflate whose decompressor takes an exact end and more than one member.
    if wish != "off" and pkg_config("--exists", "libdeflate >= 1.9") is not None:
        macros.append(("IDXIO_LIBDEFLATE", "1"))
        compile_args += pkg_config("--cflags", "libdeflate") or []
        link_args += pkg_config("--libs", "libdeflate") or []
    elif wish == "on":
        raise SystemExit(
            "IDXIO_LIBDEFLATE=on, but pkg-config finds no libdeflate >= 1.9. Install it "
            "(Debian: libdeflate-dev pkg-config; Homebrew: libdeflate pkg-config) or set IDXIO_LIBDEFLATE=off"
        )
    return {"define_macros": macros, "extra_compile_args": compile_args, "extra_link_args": link_args}


CODEC = codec()
NAMES = "batch", "crew", "decimal", "kernels", "memory", "order", "pictures", "pool", "rows", "scan"
WARNINGS = ["-Wall", "-Wextra", "-Werror"] if os.environ.get("IDXIO_WERROR") else []
SANITIZE = shlex.split(os.environ.get("IDXIO_SANITIZE", ""))  # for example "-fsanitize=address,undefined -g"


def extension(name: str, **flags: Any) -> Extension:
    compile_args = ["-O3", "-ffp-contract=off", "-g0", *WARNINGS, *SANITIZE, *flags.pop("extra_compile_args", [])]
    link_args = [*SANITIZE, *flags.pop("extra_link_args", [])]
    return Extension(
        f"idxio._native.{name}",
        [f"idxio/_native/{name}.pyx"],
        depends=["idxio/_native/codec.h", *(f"idxio/_native/{name}.h" for name in ("batch", "crew", "jobs"))],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
        **flags,
    )


setup(
    ext_modules=cythonize(
        [extension(name, **CODEC) for name in ("deflate", "inflate")] + [extension(name) for name in NAMES],
        language_level=3,
        build_dir="build/cython",
    )
)
