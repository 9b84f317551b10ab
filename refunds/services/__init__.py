"""The verbs: each one transaction, under lock, with its history and its mail."""
