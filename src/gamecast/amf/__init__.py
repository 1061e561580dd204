"""Action Message Format, the serialisation that FLV script data and RTMP commands share. Pure."""
