"""Licences, products and downloads for staff."""

from licenses.admin import downloads, licenses, products, releases

__all__ = ["downloads", "licenses", "products", "releases"]
