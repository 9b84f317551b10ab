"""What people write to support."""
