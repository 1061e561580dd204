"""The Python values that AMF0 and AMF3 data become, and the one error of this package.

=====================  =========================================================
AMF                    Python
=====================  =========================================================
number, integer        ``float`` (an ``int`` is accepted when encoding)
boolean                ``bool``
string, long string    ``str``; bytes that are not UTF-8 become U+FFFD
null                   ``None``
undefined, unsupported ``Undefined.VALUE``
object, typed object   ``dict[str, Value]`` (the class name is dropped)
ECMA array             ``EcmaArray`` (a ``dict``, so that it is written as it was read)
strict array, vector   ``list[Value]``
date                   ``Date``
XML                    ``Xml`` (a ``str``)
AMF3 byte array        ``bytes``
=====================  =========================================================

Names from the peer are only ever dictionary keys, so ``__proto__`` and its like mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

MAX_DEPTH = 16
"""Nesting of objects and arrays; deeper data is refused in both directions."""
MAX_VALUES = 1024
"""Values in one message, counting a reference as everything that it refers to."""
MAX_TEXT = 4 << 20
"""Bytes of text in one message, counting a reference as the text that it refers to."""


class AmfError(ValueError):
    """Malformed AMF, or AMF beyond the bounds of this module; the message is fit for a log line."""


class Undefined(Enum):
    """ActionScript's ``undefined``: distinct from ``None``, which is its ``null``."""

    VALUE = "undefined"

    def __bool__(self) -> bool:
        return False


@dataclass(slots=True, frozen=True)
class Date:
    """A point in time: milliseconds since 1970-01-01 UTC, and the (unused) AMF0 zone in minutes."""

    milliseconds: float
    zone: int = 0


class Xml(str):
    """An XML document, not parsed."""

    __slots__ = ()


Value: TypeAlias = (
    "float | bool | str | bytes | Undefined | Date | dict[str, Value] | list[Value] | None"
)


class EcmaArray(dict[str, Value]):
    """An associative array; encoded as AMF0 type 8, as players expect of ``onMetaData``."""

    __slots__ = ()
