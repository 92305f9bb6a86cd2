"""idxio demo: read a dataset, time it, look at it and train on it.

`command` is the command, `demo` what it does; `digits` draws a dataset without a download,
`four_files` finds one in a directory, `timing` compares with plain Python, `classifier` is softmax
regression in numpy. Nothing else uses these but the examples.
"""
