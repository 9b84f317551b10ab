"""The pages on which buyers find, open and read their orders."""
