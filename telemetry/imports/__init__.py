"""Tables and feeds of other systems made records: what a mapping file says which column means, and Git history.

Reads and converts; what becomes of the records is the caller's.
"""
