"""Datasets made of something else, and turned into something else.

`build` makes one of pictures, by the steps of `pipeline` (done once, when a dataset is made);
`build_options` checks what is asked of it, `build_files` writes what comes out.
`export` and `import_` go to and from npz, CSV, PNG folders and Parquet, one file each in
`formats/`. `images/` finds and decodes pictures, `process_pool` does that in helper processes;
`name_notes` tells names of classes that may be mistakes. An augmentation, a step of training, would
belong to `loader`, beside `gather`; one IDX file is written in `core`.
"""
