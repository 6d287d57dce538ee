"""Programs over the files of a workspace."""
