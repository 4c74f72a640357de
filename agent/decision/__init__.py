"""Whether an action may be done, must be asked for, or is refused: policy, risk, what history taught; and what to propose.

Purely computational: nothing is carried out, connected to or stored here; clocks and outcomes are passed in.
"""
