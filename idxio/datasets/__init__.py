"""Images and labels that belong together.

`dataset` and `load` are the public face; `discovery` finds the files of a directory, `classes` and
`metadata` name the classes, `split` divides (also stratified), `sort` is `write_sorted`.
`contact_sheet` and `preview` draw them. `check` with its rules is in `validation/`. Batches are
made in `loader`; other formats, and datasets made of pictures, in `convert`.
"""
