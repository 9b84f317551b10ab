"""What the command, the admin and the worker do with imports."""
