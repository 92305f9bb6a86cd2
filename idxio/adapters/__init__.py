"""Datasets as other libraries want them: `torch` and `grain`; JAX takes the arrays as they are.

Public paths, each importable with its extra only. An adapter holds a `Dataset` or its `Batches` and
changes the form of what they give, without a copy where that can be; orders, ranks and states are
decided in `loader`.
"""
