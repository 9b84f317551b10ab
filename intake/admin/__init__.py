"""The admin of imports: their history, settings for imports, and store events."""

from intake.admin import runs, skus, statuses, uploads, webhooks  # registers the admin classes

__all__ = ["runs", "skus", "statuses", "uploads", "webhooks"]
