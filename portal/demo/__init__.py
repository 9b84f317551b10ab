"""A complete demo of the portal with the content of a fictional vendor, started by `manage.py demo`."""
