"""Datasets in the formats of other programs, one file a format, both ways.

`npz`, `csv_table`, `png_folder` and `parquet` each write a split and read it again. `csv_columns`
tells labels from pixels in a CSV file, `layout` finds the files of each split, `png` codes one
picture, `common` has blocks of records, labels and checks. `convert.export` and `convert.import_`
decide which format a path means. `images/` takes pictures that need work first.
"""
