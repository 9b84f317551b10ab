"""Actions on refund requests. Each runs in one transaction that locks the rows and writes history and emails."""
