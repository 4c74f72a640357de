"""Typed changes to the world: what each does, what it would do (a dry run), what takes it back. Nothing here decides.

An action is previewed by anyone; it is carried out only through :mod:`tools.guard`, with a grant for its digest.
"""
