"""The site beyond mkdocs: everything a lesson shows comes from the stages, or is run and compared."""
