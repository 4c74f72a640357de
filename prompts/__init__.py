"""Every word sent to a model, as Markdown files, rendered strictly, each with a digest.

No logic about questions or tools lives here.
"""
