"""Images and labels that belong together.

Datasets in memory and the files of a directory: found, loaded, split, joined, sorted, checked; and
published ones. How batches are made is in `loader`; other formats, and datasets made of pictures,
in `convert`.

`dataset` (with the arguments of `batches`) and `load` are the public face; `fetch` is in
`published/`, `check` in `validation/`. `discovery` finds the files of a directory and `remote`
those at a URL, by `names` (of files) and `split_names`; `beside` tells what lies where nothing is
found, `left_out` what would not be read, `copies` compares files of one array, `together` tells
whether two are of one time. `classes` has the names of published datasets, `metadata` dataset.json,
`sources` sources.csv. `split` divides, also stratified, `folds` is for cross-validation. `concat`
puts datasets together and `merge` files (with `merge_sources`); `renumber` gives them one numbering
of classes. `sort` is `write_sorted`, `staging` brings what it writes to a store. `moments` is
`Dataset.stats`, which `scaling` passes on to batches. `contact_sheet` and `preview` draw.
"""
