"""The `concertino` command, one module per family of commands."""
