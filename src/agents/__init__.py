"""The Coordinator and what its agents share; a room of its own for each workflow's agents."""
