"""What a person follows by a reference: states, history, locking, pages and the queue of staff, said once."""
