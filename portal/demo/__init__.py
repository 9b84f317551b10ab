"""The trial: a whole portal of an invented vendor, started by one command and ended by one key."""
