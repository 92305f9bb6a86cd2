"""One IDX file: its header and its array.

`open` and `IdxArray` are in `array`; `read`, `write`, `info` (with `verify`), `repack`,
`build_index` and `show_config` each in a file of its name. Below them, `header` parses, `decode`
allocates and fills, `causes` tells why a size is wrong, `indexing` reads numpy's keys,
`output_file` packs; `disk_cache` is `cache=True`, `selection` some records of a file, `unread` what
these share with `IdxArray`: protocols of other libraries. Two files that belong together, images
and labels, are a dataset: see `datasets`. Batches are in `loader`.
"""
