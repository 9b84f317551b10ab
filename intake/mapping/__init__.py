"""Tables in unknown formats: the fields that columns can be mapped to, and guesses that a person confirms."""
