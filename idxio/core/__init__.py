"""One IDX file: its header and its array.

Opened, read, written, packed anew, described and checked. Two files that belong together, images
and labels, are a dataset: see `datasets`. Batches are in `loader`, compressions in `compression`.

`open` and `IdxArray` are in `array`; `read`, `write` (with `Writer`), `info` (with `verify`),
`repack`, `build_index` and `show_config` each in a file of its name. Below them, `header` parses,
`decode` allocates and fills, `causes` tells why a size is wrong, `checksums` knows published files,
`indexing` reads numpy's keys, `coerce` takes arrays and files of callers, `output_file` packs.
`disk_cache` is `cache=True`. `selection` is some records of a file; `unread` is what it shares with
`IdxArray`: the protocols of other libraries.
"""
