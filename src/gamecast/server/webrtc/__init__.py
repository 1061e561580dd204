"""WebRTC on the server: WHEP viewers out, WHIP publishers in, over one UDP port."""
