"""From samples to batches.

How the samples of an epoch are ordered, shared by ranks, read, augmented and gathered, and how a
loop is saved. The package `datasets` defines a dataset; `adapters` makes tensors for torch and a
source for Grain.

`batches` is the loop of a user: it chooses the sampler, checks its `options` and saves its `state`;
`epoch` runs one pass. A sampler defines an order: `samplers` has the common ones, `weights` draws,
`window_shuffle` is for large compressed files, which `window_layout` cuts into blocks and shuffle
windows and `window_buffer` unpacks. `keys` numbers what is random. `sharding` picks the samples of
a rank, in shuffle windows by `groups`. `row_source` says where rows are read, `materialize` what is
held in memory; `gather` copies rows with cast and scaling, and `prefetch` does it ahead on threads.
`transforms` change images in that pass (flips; each other augmentation has a file as `random_crop`)
and `mixing` changes whole batches. `channels` puts channels first or last, `one_hot` makes rows of
labels.
"""
