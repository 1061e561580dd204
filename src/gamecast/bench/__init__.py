"""The load: publishers whose frames carry the sender's clock, and light viewers that check them.

Works against any server, for it speaks only protocols. Never imports the server side.
"""
