"""The admin of threads, charge claims, help articles, answer templates and country data."""

from support.admin import answer_templates, article_admin, claims, region_admin, threads

__all__ = ["answer_templates", "article_admin", "claims", "region_admin", "threads"]
