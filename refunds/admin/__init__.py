"""Admin pages of refund requests, refund transactions, policies and further configuration."""

from refunds.admin import cashback, configuration, policies, returns, swaps, transactions, withdrawals

__all__ = ["cashback", "configuration", "policies", "returns", "swaps", "transactions", "withdrawals"]
