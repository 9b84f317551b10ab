"""How a run is undone: what stands against it, and how orders get their earlier state. See intake/services/undo.py."""
