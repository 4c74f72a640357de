"""Probes of one home: its nodes, what they saw; their commands."""
