"""gzip by spans: parts of about a mebibyte that can be decoded alone, on any thread.

Reading: `reader` chooses a way: `stream` over `sequential` (front to back, with `span_decoder` and
`block_decoder`), `speculative` (several threads at first sight, with `part`, `part_decoder`,
`part_mover`), `random_access` (by an index).
`span_copier` copies ranges and scattered records, with `coalesce` and `span_cache`. Where the spans
are: `known_spans`, a `span_index` from `embedded_index` (the RA, IX and BC fields of a file), from
`sidecar_index` (a .seek beside it) or seen on the way. Writing: `writer`. Deflate itself and the
search for blocks are in `_native`.
"""
