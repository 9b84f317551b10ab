"""Queues of requests with their actions, the refunds to send, and the policies."""

from refunds.admin import data, money, policies, queues

__all__ = ["data", "money", "policies", "queues"]
