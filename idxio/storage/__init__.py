"""Stored bytes in and out; what the bytes mean is not known here.

`source` reads a path or a buffer at any offset, `file_object` a file object of the caller; a URL
would be one more file here. `atomic_file` and `atomic_folder` replace their target at once or not
at all, `targets` opens one of them or the caller's file object, and `journal` replaces several
files together. `signatures` names what is not IDX by its first bytes. Decompression is in
`compression`, IDX in `core`.
"""
