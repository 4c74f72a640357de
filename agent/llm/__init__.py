"""Thinking with a model: one call over the wire, its errors, and the analyst that is built on it."""
