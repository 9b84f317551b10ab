"""Formats of dates and times for staff. Buyers see those of their country; see orders/formats.py."""
