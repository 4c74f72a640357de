"""API keys and browser sessions: rows of the state database that hold digests, never the secrets themselves.

It makes, finds, revokes and ends them. Who may come in with one over HTTP, and how often, is said by ``api/door``.
"""
