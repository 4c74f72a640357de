"""Earned recall: a finished investigation answers again when the same symptom shows and its evidence is there again.

Nothing is recalled because it looks alike. The words of the question, the query, the length of its window, the
templates and services of what it selects, and the environment are all the same, and every result that the
investigation rested on is fetched again and compared before a word of it is used. What is recalled says so.
"""
