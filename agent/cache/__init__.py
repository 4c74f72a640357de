"""What was paid for once is not paid for again: replies, tool results, and one flight for equal questions.

Kept is only what cannot change or hurt. Keys hold everything an entry rests on, exactly; nothing is reused because
it looks alike. Every entry is plain JSON beside its checksum. A cache that cannot be used costs the run nothing but
the saving, and is told of.
"""
