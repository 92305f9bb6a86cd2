"""idxio beside its peers: ``python -m benchmarks``."""
