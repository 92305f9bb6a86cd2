"""From samples to batches.

`batches` holds the arguments and the state, `epoch` runs one pass. `samplers` is the order of an
epoch, `window_shuffle` that of large compressed files, `sharding` the part of a rank. `gather`
copies rows with cast and scaling, `prefetch` does it ahead on threads, `materialize` decides what
is held in memory. What a dataset is, is in `datasets`; tensors of torch, JAX and Grain are in
`adapters`.
"""
