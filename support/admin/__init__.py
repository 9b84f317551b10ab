"""The admin of threads, charge claims, help articles, search synonyms, answer templates and country data."""

from support.admin import answer_templates, article_admin, claims, region_admin, search_admin, threads

__all__ = ["answer_templates", "article_admin", "claims", "region_admin", "search_admin", "threads"]
