"""From stored bytes to the bytes of an IDX file, and back.

`registry` picks the compression by the first bytes; a new one is a file like `raw` or `xz_bz2` with
the interface of `base`, and a line there. `read_ahead` unpacks on a helper thread, `spool` keeps
written bytes that must wait. All of gzip, by far the largest, is in `gzip/`. Where bytes come from
is in `storage`; what they are, in `core`.
"""
