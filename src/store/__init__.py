"""Tasks and checkpoints in a database; `open.py` picks the driver."""
