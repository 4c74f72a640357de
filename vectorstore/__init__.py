"""From log line to template to meaning: skeletons, masks, drain3, embeddings, the Chroma index.

Nothing here answers questions or talks to people; it reads blocks of text and keeps templates.
"""
