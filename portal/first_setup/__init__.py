"""What `manage.py setup` asks and writes: store, vendor, staff, products, help, phone numbers and policies."""
