"""Images and labels that belong together.

`folds` is for cross-validation; `concat` puts datasets together, `renumber` gives them one
numbering of classes by their names; `scaling` is what batches take of `moments`. All others:

`dataset` (with the arguments of `batches`) and `load` are the public face; `discovery` finds the
files of a directory, `names` knows the names of files in use, `split_names` what splits are called,
`beside` tells what lies where nothing is found, `copies` compares those of one array; `classes` has
the names of published datasets, `metadata` dataset.json. `split` divides, also stratified;
`moments` is `Dataset.stats`; `sort` is `write_sorted`, `staging` brings what it writes to a store,
`merge` joins label files. `contact_sheet` and `preview` draw. `check` is in `validation/`, `fetch`
in `published/`. How batches are made is in `loader`; other formats, and datasets made of pictures,
in `convert`.
"""
