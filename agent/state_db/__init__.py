"""Where approvals, what was executed, the audit and outcomes are kept: one schema, SQLite or PostgreSQL by its URL.

It opens, migrates, locks and runs transactions. What may be written, and when, is said by those above it.
"""
