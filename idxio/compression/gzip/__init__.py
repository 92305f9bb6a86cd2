"""gzip by spans: parts of about a mebibyte that can be decoded alone, on any thread.

Reading: `reader` over `stream` and `sequential` (front to back), `speculative` (several threads at
first sight, with `part`, `part_decoder` and `part_mover`), `random_access` (by an index) and
`coalesce` (scattered records). Where the spans are: `span_index` (with `CACHE`, the size of the
cache of decoded spans), from `embedded_index` (the RA, IX and BC fields of a file) or
`sidecar_index` (a .seek beside it). Writing: `writer`. Deflate itself and the search for blocks are
in `_native`.
"""
