"""How an operator sees that it works: /readyz, /metrics."""
