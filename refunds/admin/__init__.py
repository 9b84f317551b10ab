"""The desk of support: queues of cases, one page per case with its decisions, the money to send, and the policies."""

from refunds.admin import data, desks, money, policies

__all__ = ["data", "desks", "money", "policies"]
