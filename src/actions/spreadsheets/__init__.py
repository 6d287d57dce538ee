"""Cells of spreadsheets."""
