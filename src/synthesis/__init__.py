"""Task synthesis: new tasks, whose answers are computed, from solved ones."""
