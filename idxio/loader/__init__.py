"""From samples to batches.

`weights` is a sampler too, that draws by weights; `channels` shows images with their channels first
or last, and `one_hot` makes rows of labels. All others:

`options` checks the arguments, `batches` chooses the sampler and holds the state, `epoch` runs one
pass. `samplers` defines the order of an epoch, `keys` which numbers all that is random derives
from, and `row_source` where its rows are read; `window_shuffle` is the sampler of large compressed
files, `window_layout` cuts them into blocks and shuffle windows, `window_buffer` unpacks these.
`sharding` picks the samples of a rank, in shuffle windows by `groups`. `gather` copies rows with
cast and scaling, and `transforms` change images in that pass, those of
`mixing` whole batches; `prefetch` does it ahead on threads, `materialize` decides what is held in
memory. The package `datasets` defines a dataset; `adapters` makes tensors for torch and a source
for Grain.
"""
