"""Email kinds for tests, as a separate app, so that workers started by tests have them, too."""
