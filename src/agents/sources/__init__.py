"""Answering from texts of others: passages, citations, summaries."""
