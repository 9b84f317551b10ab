"""Pages of licences and downloads."""
