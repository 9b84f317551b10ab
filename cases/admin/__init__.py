"""Admin base classes for case queues: list filters, the page of one case, and its actions."""
