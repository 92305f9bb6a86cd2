"""Datasets for other libraries: `torch` and `grain`; JAX takes the arrays of numpy.

Public paths; `torch` needs its extra. An adapter holds a `Dataset` or its `Batches` and converts
what they return, without a copy where possible; `loader` decides on orders, ranks and states.
"""
