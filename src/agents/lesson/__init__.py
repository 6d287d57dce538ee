"""The agents of `teach_explain`."""
