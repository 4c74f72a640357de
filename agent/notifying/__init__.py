"""Notices to people: composed from approvals with secrets masked, kept in an outbox, delivered by apprise until they arrive.

It decides nothing, and nothing waits for it: a dead channel delays only itself.
"""
