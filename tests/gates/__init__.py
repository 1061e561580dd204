"""What the whole server promises, held by tests: see README.md in this folder."""
