"""Drivers: the only place with sockets."""
