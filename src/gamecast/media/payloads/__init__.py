"""RTP payload formats: access units to packet payloads and back, pure.

``make_packetizer(track)`` and ``make_depacketizer(codec)`` in :mod:`.formats` choose by codec.
"""
