"""Answers on a terminal, and the conversation there."""
