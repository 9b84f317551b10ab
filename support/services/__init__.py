"""What can be done with articles, threads and claims."""
