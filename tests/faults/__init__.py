"""Hostile and broken submissions through the real commands, in real sandboxes; `make test-grading` runs them."""
