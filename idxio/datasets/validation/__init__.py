"""check(): what is wrong with a dataset.

`check` reads each split once; `statistics` holds the figures of that pass, `duplicates` compares
hashes, `byte_order` knows numbers whose bytes are swapped, `rules` turns figures into findings,
each an error or a warning, and `summary` these into a few lines. Nothing is printed here: the text
of `idxio check` and the HTML page of `idxio report` are in `cli`. One file alone is verified in
`core`.
"""
