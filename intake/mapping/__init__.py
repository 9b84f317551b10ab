"""Tables that no feed knows: the fields that their columns can be mapped to, and guesses that a person confirms."""
