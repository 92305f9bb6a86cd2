"""Datasets in the formats of other programs, one file a format, both ways.

`npz`, `csv_table`, `png_folder` and `parquet` each write a split and read it again; `common` is what
they share: blocks of records, labels, checks; `png` is one picture. `layout` tells which files hold
which split. Which format a path means is decided in `convert.export` and `convert.import_`. Pictures
that need work first are in `images/`.
"""
