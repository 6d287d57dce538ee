"""Tasks: start, run and end; their results and events."""
