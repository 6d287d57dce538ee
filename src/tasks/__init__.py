"""Tasks: starting, playing, ending them; their results and events."""
