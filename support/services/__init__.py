"""Changes of help articles, threads and charge claims."""
