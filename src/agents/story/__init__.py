"""The agents of `write_story`."""
