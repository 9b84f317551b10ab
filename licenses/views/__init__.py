"""Pages of licenses and downloads."""
