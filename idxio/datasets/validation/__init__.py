"""check(): what is wrong with a dataset.

`check` reads each split once; `statistics` holds what that pass saw, `duplicates` compares hashes,
`rules` turns figures into findings, each an error or a warning. Nothing is printed here: the text
of `idxio check` and the page of `idxio report` are in `cli`. One file alone is verified in `core`.
"""
