"""Judges a folder by the shared tests, in the lab as well: only the runner starts processes."""
