"""Requests and commands that a page shows: read, run against their stage, compared and rendered."""
