"""Licences, products and downloads for staff."""

from licenses.admin import licenses, products

__all__ = ["licenses", "products"]
