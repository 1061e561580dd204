"""SRT on the server: publishers in, players out, over one UDP socket."""
