"""Bytes in and out, as they are stored.

`source` opens a path, a buffer or a file object, to be read at any offset; a URL would be one more file
here, chosen by its `open_source`. `file_object` adapts what callers opened. `atomic_file` replaces a
file or folder at once or not at all: `temporary` holds the new one, `journal` does so for several. What
is no IDX file is named by `signatures`; unpacking is in `compression`, the IDX format in `core`.
"""
