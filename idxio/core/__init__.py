"""One IDX file: its header and its array.

`open` and `IdxArray` are in `array`, and `read`, `write`, `info` (with `verify`), `repack` and
`build_index` each in a file of its name; `header` parses, `decode` allocates and fills,
`disk_cache` is `cache=True`, `selection` is some records of a file. Two files that belong together,
images and labels, are a dataset: see `datasets`. Batches are in `loader`.
"""
