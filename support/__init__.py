"""Help, charge claims, contact, and where to turn to."""
