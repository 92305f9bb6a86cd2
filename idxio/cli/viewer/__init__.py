"""The page of `idxio view`, filled in with a dataset, and the server that shows it here.

`view.html` is all of the page; `dataset` says what it shows, `render` puts that into it, and
`server` gives it and the files to a browser on this machine. The command is in `cli.view`.
"""
