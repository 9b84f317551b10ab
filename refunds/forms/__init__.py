"""What buyers type when they ask for something back. Forms check shape; what is possible is asked of services."""
