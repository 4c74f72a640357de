"""Where log text comes from: files, folders, globs, compressed files, pipes, and files that still grow.

Yields whole lines of valid UTF-8 in blocks; knows nothing of what the lines say.
"""
