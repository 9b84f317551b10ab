"""Help, charge claims and contact. Nothing lives here yet."""
