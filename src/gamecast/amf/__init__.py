"""Action Message Format, the serialisation that FLV script data and RTMP commands share. Pure.

``amf0.encode``, ``amf0.decode`` and their ``amf3`` namesakes work on whole messages; malformed
input raises :class:`AmfError` and nothing else.
"""

from gamecast.amf.values import AmfError, Date, EcmaArray, Undefined, Value, Xml

__all__ = ["AmfError", "Date", "EcmaArray", "Undefined", "Value", "Xml"]
