"""Memory: channels, keys, tokens and administrators in SQLite or PostgreSQL."""
