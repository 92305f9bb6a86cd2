"""gzip by spans: parts of about a mebibyte that can be decoded alone, on any thread.

Reading: `reader` chooses a way: `stream` over `sequential` (front to back, with `span_decoder` and
`block_decoder`), `span_stream` (the same by an index), `speculative` (several threads at first
sight, with `part`, `part_decoder` and `part_mover`), or `random_access` (by an index).
`span_copier` copies ranges and scattered records, with `coalesce` and `span_cache`. Where the spans
are: `known_spans`, a `span_index` from `embedded_index` (the RA, IX and BC fields of a file) or
`sidecar_index` (a .seek beside it), or a `growing_index` of what was seen, which `pickled_index`
packs. Writing: `writer`, with `chunk_encoder` and `member_output`. Deflate itself and the search
for blocks are in `_native`.
"""
