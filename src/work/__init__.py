"""Carrying out tasks for a service: the queue, workers, and what tells of them."""
