"""Answers from external texts: passages, citations, summaries."""
