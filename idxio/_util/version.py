"""The version of idxio, where the build and every layer read it."""

__version__ = "0.1.0"
