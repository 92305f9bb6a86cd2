"""gzip by spans: parts of about a mebibyte that can be decoded alone, on any thread.

Reading: `reader` over `stream` and `sequential` (front to back), `speculative` (several threads at
first sight), `random_access` (with the cache of spans) and `coalesce` (scattered records). Where
the spans are: `span_index`, from `embedded_index` (the RA, IX and BC fields of a file) or
`sidecar_index` (a .seek beside it). Writing: `writer`. Deflate and the search for blocks are in
`_native`.
"""
