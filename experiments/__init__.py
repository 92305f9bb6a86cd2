"""Experiments on whole datasets: the paper's Table 3."""
