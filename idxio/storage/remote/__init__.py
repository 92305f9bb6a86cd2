"""Files at a URL: read by ranges, many in flight, few requests.

`url` says what a URL is and what of it may be shown. A `Client` fetches a range: of HTTP, S3, GCS
and Azure by obstore (`obstore_client`), of everything else by fsspec (`fsspec_client`). `plan`
fetches ahead what a decoder says that it will read; `source` is the storage `Source` of it all.
`upload` is a file on its way to a store, and several that replace others together, each to an
object of obstore (`obstore_object`) or fsspec (`fsspec_object`). Nothing here is imported until a
URL comes. Local files are in the rooms above.
"""
