"""Alerts and incidents of one home: what takes them in, what investigates them; their commands."""
