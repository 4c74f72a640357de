"""``oncalm probed``: one per node. It checks grants, starts a worker for each session, and passes on what that tells.

It looks at no captured byte itself. It needs no more than the capabilities that its workers drop.
"""
