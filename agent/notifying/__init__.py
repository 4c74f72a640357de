"""Telling people what becomes of an action: a stored outbox, and channels that apprise knows.

It decides nothing and waits for nobody: a message is on disk when ``notify`` returns, and is sent by threads of their own.
"""
