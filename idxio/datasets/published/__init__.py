"""Published datasets by name: `fetch`, and what it knows of them.

`table` has the datasets, their files, mirrors and checksums, as plain data; `proof` holds a file
against it, by what is inside. `on_this_machine` finds copies that are here already, and `keras_npz`
reads that of Keras. `mirrors` asks the servers in turn, for files or for members of a zip
(`zip_mirror`, `archive`), and `partial` is the folder that keeps what has arrived. `fetch` puts it
together. How a file is downloaded is in `storage/download`.
"""
