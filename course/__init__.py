"""The learner's command line, `python3 -m course`. This file stays importable by any Python, however old."""
