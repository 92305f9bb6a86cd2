"""Native leaves: small loops over memory that their callers checked. No files, no policy, no exceptions of IDX."""
