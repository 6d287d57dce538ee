"""Agents of other libraries, each run by its own interpreter; see `bench.actions_peers`."""
