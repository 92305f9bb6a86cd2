"""Datasets for other libraries, each imported on use only."""
