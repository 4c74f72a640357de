"""What was received and acknowledged but is not in the store yet: files that are only appended to, each append durable.

Knows nothing of the network and nothing of the store.
"""
