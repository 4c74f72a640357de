"""What the agent can do: typed input, typed result, a risk class.

Tools read the store here; they decide nothing and speak no sentences. The approve operation is not a tool.
"""
