"""Sound devices: PulseAudio (and PipeWire, which speaks its protocol) through libpulse."""
