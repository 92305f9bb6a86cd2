"""Stored bytes in and out, wherever they lie; what they mean is not known here.

Sources are read at any offset: paths, buffers, file objects, URLs. Targets are replaced at once or
not at all. Unpacking is in `compression`, the IDX format in `core`.

`source` has that of a path, and `open_source`, which chooses: each kind is a class with the
interface of `base`, here (`buffer`, `file_object`) or, at URLs, in `remote/`. `regular` opens paths
and refuses pipes, `signatures` names what is no IDX file. `atomic_file` and `atomic_folder` replace
their target, `temporary` is the new one until then, with the rights that `ownership` gives it;
`targets` opens a file that is replaced, an upload or the caller's file object. `journal` replaces
several files together: each is a `move`, `journal_text` is what lies on disk, and `as_read` tells
whether the old ones are still those that were read. `download/` fetches whole files.
"""
