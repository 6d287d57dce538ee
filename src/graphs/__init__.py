"""The outer graph, its rules, the registry, and one file for each workflow."""
