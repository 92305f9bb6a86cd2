"""gzip by spans: parts of about a mebibyte that can be decoded alone, on any thread.

Reading: `reader` over `stream` and `sequential` (front to back), `speculative` (several threads at
first sight), `random_access` (by an index; it has the span cache) and `coalesce` (scattered
records). Where the spans are: `span_index` (with `CACHE`, the size of that cache), from
`embedded_index` (the RA, IX and BC fields of a file), `sidecar_index` (a .seek beside it) or
`pickled_index` (of an open file). Writing: `writer`. Deflate itself and the search for blocks are
in `_native`.
"""
