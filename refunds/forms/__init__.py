"""Forms of refund requests. They validate the input; services decide what is possible."""
