"""The admin of imports: their history, and what staff decide about them."""

from intake.admin import runs, skus, statuses  # registers them

__all__ = ["runs", "skus", "statuses"]
