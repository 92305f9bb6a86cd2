"""From stored bytes to the bytes of an IDX file, and back.

One file a compression; all of gzip, by far the largest, is in `gzip/`. Where bytes come from is in
`storage`; what they are, in `core`.

`registry` lists the compressions and picks one by the first bytes or by a suffix; a new one is a
file like `zstd` with the interface of `base`, and a line there. `raw` is no compression, `xz_bz2`
two of Python's. `decompressor` is the stream over what Python's modules offer, `read_ahead` unpacks
on a helper thread, `spool` keeps written bytes that must wait.
"""
