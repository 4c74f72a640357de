"""How well root causes are found, on public incidents."""
