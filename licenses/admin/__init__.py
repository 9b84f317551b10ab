"""Licenses, products and downloads for staff."""

from licenses.admin import downloads, licenses, missing, products, releases

__all__ = ["downloads", "licenses", "missing", "products", "releases"]
