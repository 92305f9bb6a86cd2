"""From samples to batches.

`options` checks what a caller asks for, `batches` holds the state, `epoch` runs one pass. `samplers`
is the order of an epoch, `window_shuffle` that of large compressed files and `window_buffer` their
memory; `sharding` is the part of a rank. `gather` copies rows with cast and scaling, `prefetch`
does it ahead on threads, `materialize` decides what is held in memory. What a dataset is, is in
`datasets`; tensors of torch, JAX and Grain are in `adapters`.
"""
