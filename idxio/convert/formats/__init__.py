"""Datasets in the formats of other programs, one file a format, both ways.

`npz`, `csv_table`, `png_folder` and `parquet` each write a split and read it again. `names` has the
words for images and labels that are in use; by it `csv_columns`, `parquet_columns` and
`numpy_names` tell them apart, and `text_classes` numbers labels that are texts. Of a CSV file,
`csv_heading` tells whether line 1 names the columns, `csv_label` which one holds the labels,
`csv_values` what the values look like, and `csv_records` parses the lines. `pixel_names` has the
names of pixels in a heading, `image_shape` gives flat images their shape, `zip_contents` says what
a zip holds. `layout` finds the files of each split, `png` codes one picture, `common` has blocks of
records, labels and checks. `convert.export` and `convert.import_` decide which format a path means.
`images/` takes pictures that need work first.
"""
