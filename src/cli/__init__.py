"""The `concertino` command, one module per group of commands."""
