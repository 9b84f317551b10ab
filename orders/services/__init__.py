"""What is done with orders, one file a subject."""
