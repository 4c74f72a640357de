"""Whether an action helped: looks at the target and at who suffered, a hold, a durability look, and the call for the rollback.

It judges what it is shown and changes nothing itself. Readers, the clock, waiting and the rollback are handed in.
"""
