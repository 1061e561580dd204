"""Capturing a Wayland session: the desktop's portal asks the user, PipeWire carries the pictures,
and the system's GStreamer, which every desktop with a portal has, hands them to us.
"""
