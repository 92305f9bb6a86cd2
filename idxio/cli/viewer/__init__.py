"""The page of `idxio view`, filled in with a dataset, and the server that shows it here."""
