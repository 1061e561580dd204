"""Other people's servers, one file each: started on loopback with a configuration of our own."""

from benchmarks.contender import Contender
from benchmarks.peers import janus, mediamtx, nginx_rtmp, node_media_server, pion_whep, srs

PEERS: list[Contender] = [
    nginx_rtmp.CONTENDER,
    node_media_server.CONTENDER,
    mediamtx.CONTENDER,
    srs.CONTENDER,
    janus.CONTENDER,
    pion_whep.CONTENDER,
]
