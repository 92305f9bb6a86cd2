"""Picture files of any kind to records of one shape.

The steps of a conversion are in `convert.pipeline`, the helper processes in `convert.process_pool`,
the whole in `convert.build`.

`discovery` finds the pictures of a folder and their classes, `listing` those of a CSV file;
`given_splits` knows splits that they have, `sides` decides which train and which test, `existing`
is a dataset that pictures are added to. `decode` opens one with Pillow, or, if it is plain, without
opening it (`plain_png`, `plain_jpeg`; `plain` says of which sizes). `complete` says whether all of
it was there (by `png_data`, `jpeg_data`, `tiff_data`), `value_range` which values of 16 bits become
black and white. `records` runs the steps over many and says what is wrong with the bad ones,
`reader` writes the records of all pictures to one file, `notes` has what a person should hear.
"""
