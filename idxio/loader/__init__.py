"""From samples to batches.

`options` checks the arguments, `batches` holds the state, `epoch` runs one pass. `samplers` defines
the order of an epoch, `window_shuffle` that of large compressed files and `window_buffer` unpacks
them; `sharding` picks the samples of a rank. `gather` copies rows with cast and scaling (an
augmentation would be a file `transforms` here, applied in that pass), `prefetch` does it ahead on
threads, `materialize` decides what is held in memory. The package `datasets` defines a dataset;
`adapters` makes tensors for torch and a source for Grain.
"""
