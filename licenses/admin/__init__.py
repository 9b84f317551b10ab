"""Admin of licenses, products and downloads."""

from licenses.admin import downloads, licenses, missing, products, releases

__all__ = ["downloads", "licenses", "missing", "products", "releases"]
