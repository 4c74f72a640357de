"""Carrying out what was approved: once, by the guard alone, and found again after a crash without doing it twice.

It decides nothing: the policy is asked through a callable, and an approval is read from its store with its seals.
"""
