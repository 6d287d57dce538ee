"""Files: list, read, search, write, edit, move, copy, delete."""
