"""After a standstill (a suspended machine, a blocked loop): first listen, then judge.

Timers may run before sockets are looked at. A peer that kept its time would look silent though what
it sent lies in the kernel, and one that stood still with us (the same machine) has had no time.
"""

LATE_SECONDS = 1.0
"""A timer that is later than this fires in a process that stood still."""
CATCH_UP_SECONDS = 0.2
"""Given then to read what peers sent meanwhile."""
