"""The admin of imports: their history, what staff decide about them, and what stores push."""

from intake.admin import runs, skus, statuses, uploads, webhooks  # registers them

__all__ = ["runs", "skus", "statuses", "uploads", "webhooks"]
