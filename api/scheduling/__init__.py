"""Summaries on a schedule: when they are due, that each is made and sent once, and how they are delivered."""
