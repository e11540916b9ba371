"""The directives of a page, one file for each: `<!-- name: argument -->` and what takes its place."""
