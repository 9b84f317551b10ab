"""Admin pages of refund requests, refund transactions, policies and further configuration."""

from refunds.admin import configuration, policies, queues, transactions

__all__ = ["configuration", "policies", "queues", "transactions"]
