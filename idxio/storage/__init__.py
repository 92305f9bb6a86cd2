"""Stored bytes in and out; what the bytes mean is not known here.

`source` opens a path, a buffer, a file object or a URL, to be read at any offset; a new kind is one
more file here with the interface of `base`, chosen by `open_source`. `file_object` adapts what
callers opened. `atomic_file` and `atomic_folder` replace their target at once or not at all:
`temporary` holds the new one, `targets` opens one of them, an upload or the caller's file object,
`journal` replaces several files together, each a `move`, by what it says in `journal_text`, if they
are still what `as_read` says. What is no IDX file is named by `signatures`. Files at URLs are in
`remote/`, and what downloads them whole in `download/`; unpacking is in `compression`, the IDX
format in `core`.
"""
