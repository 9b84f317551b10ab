"""How a run is undone: obstacles, and restoring the previous state of orders. See intake/services/undo.py."""
