"""How OnCalm thinks: the graph, its state, and the analysts behind one protocol.

It asks tools and phrases answers. It reads no files and no environment, and it changes nothing.
"""
