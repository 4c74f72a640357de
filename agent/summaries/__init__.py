"""Summaries: of a stretch of time, of a shift, of an incident. Facts, then sentences made of them, then renderings.

Facts are counted and never guessed; each group of them says where it is from, or why it was not assessed. Sentences are
made from facts alone; a model may word them better, and keeps only what the facts show. Nothing here sends anything.
"""
