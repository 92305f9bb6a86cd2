"""Files that are downloaded whole, and go on where they stopped.

`http` sends one request, `to_file` makes a file of as many as it takes. All of it is by the
standard library, so that a dataset can be fetched with nothing but idxio installed; files that are
read where they lie, by ranges, are in `storage/remote`. Nothing here is imported until a download
starts.
"""
