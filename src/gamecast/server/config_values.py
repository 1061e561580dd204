"""Kinds of values that configuration keys have, and what every section has in common.

A list or a rate may be written as people write it in an environment variable (``a,b``, ``6M``).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

_RATE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([kMG]?)")
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]+$){_LABEL}")
_SCALE = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}


def split(value: Any) -> Any:
    """A list may be one string with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _bits_per_second(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _RATE.fullmatch(value.strip())
    if match is None:
        raise ValueError("a bit rate is needed, such as 6M, 800k or 6000000")
    return round(float(match[1]) * _SCALE[match[2]])


def _host(value: Any) -> Any:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        if isinstance(value, str) and len(value) <= 253 and _HOST_NAME.fullmatch(value):
            return value.lower()
        raise ValueError("an IP address or a host name is needed") from None


def _network(value: Any) -> Any:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("an address or a network such as 10.0.0.0/8 is needed") from None


Port = Annotated[int, Field(ge=0, le=65_535)]
"""A port to listen on; 0 means any free one."""

BitRate = Annotated[int, BeforeValidator(_bits_per_second), Field(ge=0, le=100_000_000_000)]
"""Bits per second, written ``6M``, ``800k`` or as a number."""

Host = Annotated[str, BeforeValidator(_host)]
"""An IPv4 or IPv6 address in its canonical form, or a host name."""

HostList = Annotated[list[Host], BeforeValidator(split), Field(max_length=16)]
"""IP addresses and host names: a list, or one string with commas."""


Network = Annotated[str, BeforeValidator(_network)]
"""An address or a network (CIDR) in its canonical form."""

NetworkList = Annotated[list[Network], BeforeValidator(split), Field(max_length=16)]
"""Networks: a list, or one string with commas."""


class Section(BaseModel):
    """One component's keys. Unknown keys are errors; values are fixed once read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_bool_for_number(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic reads True as 1, but `port = true` is a mistake that should be told.
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and field.annotation in (int, float):
            raise ValueError("a number is needed, not true or false")
        return value
