"""Orders into the database: `run` is the way in.

`merge` holds the rules and touches no database, `load` reads what a batch needs with one query a
table, `write` puts back what changed in bulk, `run` makes batches of it.
"""
