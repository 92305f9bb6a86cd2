"""Pictures and tables to IDX files, and back."""
