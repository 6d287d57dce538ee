"""Where tasks and their checkpoints are kept."""
