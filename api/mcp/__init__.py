"""OnCalm's read tools for other agents, as an MCP server."""
