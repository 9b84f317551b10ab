"""Returns, withdrawals, product swaps, cashback claims, and the refunds that follow from them."""
