"""Bytes in and out, as they are stored.

`source` reads a path, a buffer or a file object at any offset; a URL would be one more file here.
`file_object` adapts what callers opened themselves. `atomic_file` replaces files and folders at
once or not at all; `signatures` names what is not IDX by its first bytes. What the bytes mean is
not known here: unpacking is in `compression`, IDX in `core`.
"""
