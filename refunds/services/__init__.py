"""Actions on refund requests. Each runs in one transaction, locks the rows, and writes history and emails with it."""
