"""Judges a folder by the shared tests, in the browser too: only the runner starts processes."""
