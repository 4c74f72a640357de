"""What happened: the records, and where they live.

Reads formats, masks secrets, keeps Parquet segments and answers exact queries. It knows nothing of
templates beyond their ids, of meaning, or of people's questions.
"""
