"""Compute: decoding and encoding with PyAV, always in worker processes.

What a publisher sends never reaches a decoder in the server's own process: a decoder that crashes
or hangs on hostile bytes takes its worker with it and nothing else.
"""
