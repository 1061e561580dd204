"""As much of the X Window System as it takes to list screens and windows and to follow one.

Source: "X Window System Protocol", version 11, release 6.8; "The X Resize, Rotate and Reflect
Extension", version 1.5; "Extended Window Manager Hints", version 1.5.
"""
