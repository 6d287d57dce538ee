"""Concertino as a service: HTTP, server-sent events, and workers in the same process."""
