"""Datasets made of something else, and turned into something else.

Pictures of any kind become a dataset (`build`), and datasets go to and from npz, CSV, PNG folders
and Parquet. An augmentation is a step of training: it is in `loader`. One IDX file is written in
`core`.

`build` runs the steps of `pipeline` over pictures, which `images/` finds and decodes in the helper
processes of `process_pool`; `build_options` checks what is asked of it, `build_files` writes what
comes out. `export` and `import_` decide on a format; each has a file in `formats/`. `name_notes`
tells names of classes that may be mistakes.
"""
