"""Returns, withdrawals, swaps and cashback."""
