"""The admin of imports: their history, and what staff decide about them."""

from intake.admin import runs, statuses  # registers them

__all__ = ["runs", "statuses"]
