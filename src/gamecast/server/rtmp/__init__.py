"""RTMP on the server: publishers in, players out."""
