"""Slack: questions in threads, slash commands, approval cards. Who somebody is comes from a file, never from a display name.

``text``, ``cards`` and ``approvals`` compose (pure); ``people`` says who may; ``memory`` keeps what was seen and what is to be
sent; ``sending`` sends it in order by Slack's rules; ``talk`` answers; ``bot`` binds this to Slack by HTTP or Socket Mode.
"""
