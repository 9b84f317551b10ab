"""Help articles, contact, charge claims, and country data such as phone numbers."""
