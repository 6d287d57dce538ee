"""Work on somebody else's bytes in a confined process."""
