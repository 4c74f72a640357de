"""What was asked, answered, refused and done: records that only grow, chained by HMAC-SHA256, with a tip kept elsewhere.

A change of state and its record are one transaction (:class:`agent.audit.journal.Journal`): without the record there is
no change. It decides nothing.
"""
