"""Summaries: made, kept and planned; their commands."""
