"""Import orders into the database. The entry point is `run.Import`.

`run` splits the items into batches, `loading` reads the data for a batch with one query per table, `merge` applies the
records in memory, and `writing` saves the changes in bulk.
"""
