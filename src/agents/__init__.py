"""The Coordinator, helpers shared by all agents, and subfolders with the agents of workflows."""
