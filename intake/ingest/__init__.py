"""Import orders into the database. The entry point is `run.Import`.

`run` splits the items into batches, `loading` reads what a batch needs with one query per table,
`merge` applies the records in memory, and `writing` saves what changed in bulk.
"""
