"""gzip by spans: parts of about a mebibyte that can be decoded alone, on any thread.

Reading from front to back, on several threads, by an index, at any record; and writing with an
index. Deflate itself and the search for blocks are in `_native`, other compressions one level up.

`reader` chooses a way: `stream` over `sequential` (front to back, with `span_decoder` and
`block_decoder`), `span_stream` (the same by an index), `speculative` (several threads at first
sight, with `part`, `part_decoder` and `part_mover`), or `random_access` (by an index).
`span_copier` copies ranges and scattered records, with `coalesce` and `span_cache`. Where the spans
are: `known_spans`, a `span_index` from `embedded_index` (the RA, IX and BC fields of a file) or
`sidecar_index` (a .seek beside it, which `sidecar_builder` makes), or a `growing_index` of what was
seen, which `pickled_index` packs. All of them: `members` parses headers and trailers,
`input_buffer` holds compressed bytes. Writing: `writer`, with `chunk_encoder` and `member_output`.
"""
