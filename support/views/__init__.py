"""The pages of help, charge claims and contact."""
