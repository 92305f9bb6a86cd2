"""Datasets in the formats of other programs, one file a format, both ways.

`npz`, `csv_table`, `png_folder` and `parquet` each write a split and read it again. Which format a
path means is decided in `convert.export` and `convert.import_`; pictures that need work first are
in `convert.images`.

`layout` finds the files of each split. `names` has the words for images and labels that are in use;
by it `csv_columns`, `parquet_columns` and `numpy_names` tell them apart, `image_shape` gives flat
images their shape, and `text_classes` numbers labels that are texts. npz: `npy` is the array alone,
`zip_archive` opens the archive. CSV: `csv_heading` tells whether line 1 names the columns,
`pixel_names` knows names of pixels, `csv_label` finds the labels, `csv_values` says what the values
look like, `csv_records` parses the lines. Parquet: `card` is its README. `png` codes one picture;
`common` has blocks of records, labels and checks.
"""
