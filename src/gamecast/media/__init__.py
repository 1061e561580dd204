"""Values: packets, tracks, codecs and containers. Pure: no clock, no socket, no logging."""
