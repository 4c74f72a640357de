"""Who asked for an action, who may let it happen, and where it stands: a stored state machine behind one service.

The command line, HTTP and Slack use :class:`agent.approvals.service.Approvals` alike. It carries nothing out
(:mod:`agent.executor` does), and approving is no tool that a model could call.
"""
