"""Packets to the bytes that all viewers of a format share. Pure; once per format."""
