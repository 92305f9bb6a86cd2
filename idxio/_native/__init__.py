"""Native leaves: small loops over memory that their callers checked. No policy, no exceptions of IDX."""

try:
    from . import block_finder, byteorder, deflate, inflate, pages
except ImportError as error:
    raise ImportError(
        f"the native modules of idxio can't be loaded: {error}. In a source tree, build them with "
        "'pip install -e .' or 'make build'; elsewhere, install idxio again for this Python"
    ) from error

__all__ = ["block_finder", "byteorder", "deflate", "inflate", "pages"]
