"""Native leaves: loops over memory that their Python callers checked, without policy.

Deflate: `inflate`, `deflate`, `lanes` (four spans at once on a core), `block_finder` (where a block
could start); `codec.h` binds zlib, libdeflate and ISA-L. Arrays: `byteorder`, `pages`, `gather`,
`transforms`, `row_stats`, `permutation`, `image_ops`, `csv_parser`. Threads: `thread_pool` (all
that depends on the platform is in `platform.h`) and `buffer_pool`. Files are opened in `storage`,
never here.
"""

try:
    from . import byteorder, inflate, pages
except ImportError as error:
    raise ImportError(
        f"the native modules of idxio can't be loaded: {error}. In a source tree, build them with "
        "'pip install -e .' or 'make build'; elsewhere, install idxio again for this Python"
    ) from error

__all__ = ["byteorder", "inflate", "pages"]
