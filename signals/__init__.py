"""What changed, and who is suspect: pure numbers in, numbers and statements out.

Nothing here opens a file, a socket or a store, reads a clock or asks a model. Inputs are arrays (:mod:`signals.observed`),
outputs say which entity, how sure, and on which observations that rests (:mod:`signals.diagnosis`).
"""
