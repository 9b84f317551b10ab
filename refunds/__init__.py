"""Returns, withdrawals, swaps and cashback. Nothing lives here yet."""
