"""Agents of the workflow `team`: roles, the team for a task, and checks of what they write."""
