"""The pages of help, claims and contact."""
