"""Fuzz targets for every parser of a peer's bytes: see ``fuzz/targets.py`` and ``make fuzz``."""
