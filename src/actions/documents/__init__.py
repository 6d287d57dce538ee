"""Documents: read, fill in, write."""
