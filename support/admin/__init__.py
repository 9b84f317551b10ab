"""The desk of support: the queue of threads, charge claims with their finder, and answers given often."""

from support.admin import articles, claims, places, templates, threads

__all__ = ["articles", "claims", "places", "templates", "threads"]
