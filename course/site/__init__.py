"""The site beyond mkdocs: all that a lesson shows comes from the stages, or is run and compared."""
