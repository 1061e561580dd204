"""The hub: streams, renditions, viewers. Names no protocol and opens no socket."""
