"""Picture files of any kind to records of one shape.

`discovery` finds the pictures of a folder and their classes, `listing` those of a CSV file,
`decode` opens one with Pillow, or, if it is plain, without opening it (`plain_png`, `plain_jpeg`;
`plain` says of which sizes), `complete` says whether all of it was there (by `png_data`,
`jpeg_data`, `tiff_data`), `records` runs the steps over many and says what is wrong with the bad
ones, `reader` writes the records of all pictures to one file, `notes` has what a person should
hear. The steps themselves are in `convert.pipeline`, the helper processes in
`convert.process_pool`, the whole in `convert.build`.
"""
