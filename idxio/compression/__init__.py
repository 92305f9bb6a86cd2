"""From stored bytes to the bytes of an IDX file, and back.

`registry` lists the compressions and picks one by the first bytes or by a suffix; a new one is a
file like `zstd` with the interface of `base`, and a line there. `decompressor` is the stream over
what Python's modules offer, `read_ahead` unpacks on a helper thread, `spool` keeps written bytes
that must wait. All of gzip, by far the largest, is in `gzip/`. Where bytes come from is in
`storage`; what they are, in `core`.
"""
