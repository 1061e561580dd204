"""What ``gamecast doctor`` finds: one fact each, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How good a finding is."""

    OK = "ok"
    MISSING = "missing"
    """Something is not there that one may do without."""
    PROBLEM = "problem"
    """The server would run, but badly."""
    BLOCKER = "blocker"
    """``gamecast serve`` cannot run."""


@dataclass(slots=True, frozen=True)
class Finding:
    """One fact about this machine."""

    name: str
    state: State
    detail: str
    advice: str = ""


def ok(name: str, detail: str) -> Finding:
    """Something works."""
    return Finding(name, State.OK, detail)


def missing(name: str, detail: str, advice: str = "") -> Finding:
    """Something optional is not there."""
    return Finding(name, State.MISSING, detail, advice)


def problem(name: str, detail: str, advice: str = "") -> Finding:
    """Something makes the server worse."""
    return Finding(name, State.PROBLEM, detail, advice)


def blocker(name: str, detail: str, advice: str = "") -> Finding:
    """Something keeps the server from running."""
    return Finding(name, State.BLOCKER, detail, advice)
