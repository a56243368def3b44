"""How Cordboard is run: on one machine (local/), and later in containers."""
