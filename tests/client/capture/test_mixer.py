import time
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from gamecast.client.capture.sound.mixer import BLOCK, CEILING, RATE, Channel, Limiter, Mixer
from gamecast.client.capture.source import AudioFormat, Sink, ThreadedSource, Timeline
from gamecast.client.capture.tone import Tone
from tests.client.pictures import pts
from tests.client.sinks import Recorder


def sound(start: int, samples: NDArray[np.float32], rate: int = RATE) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.tile(samples, (2, 1)), format="fltp", layout="stereo")
    frame.sample_rate = rate
    frame.pts, frame.time_base = start, Fraction(1, rate)
    return frame


def constant(level: float, count: int = BLOCK) -> NDArray[np.float32]:
    return np.full(count, level, np.float32)


def mixer(*channels: Channel) -> Mixer:
    return Mixer([(Tone(), channel) for channel in channels])


def test_inputs_are_added_with_their_gains() -> None:
    both = mixer(Channel("game", gain=0.5), Channel("mic", gain=2.0))
    both.inputs[0].audio(sound(0, constant(0.4)))
    both.inputs[1].audio(sound(0, constant(0.1)))
    assert np.allclose(both.mix(0), 0.4)


def test_muted_is_silent_but_still_measured() -> None:
    one = mixer(Channel("mic", muted=True))
    one.inputs[0].audio(sound(0, constant(0.3)))
    assert np.abs(one.mix(0)).max() == 0
    assert one.channels[0].level == pytest.approx(0.3)


def test_what_is_late_is_silence_and_what_was_mixed_is_forgotten() -> None:
    one = mixer(Channel("game"))
    one.inputs[0].audio(sound(BLOCK, constant(0.3)))
    assert np.abs(one.mix(0)).max() == 0
    assert np.allclose(one.mix(BLOCK), 0.3)
    assert np.abs(one.mix(BLOCK)).max() == 0


def test_blocks_are_placed_by_their_time_whatever_their_size() -> None:
    one = mixer(Channel("game"))
    wave = np.linspace(-0.5, 0.5, 3 * BLOCK, dtype=np.float32)
    for start in range(0, 3 * BLOCK, 96):
        one.inputs[0].audio(sound(start, wave[start : start + 96]))
    mixed = np.concatenate([one.mix(number * BLOCK)[0] for number in range(3)])
    assert np.allclose(mixed, wave, atol=1e-6)


def test_other_rates_are_converted() -> None:
    one = mixer(Channel("mic"))
    for block in range(20):
        one.inputs[0].audio(sound(block * 441, constant(0.25, 441), 44_100))
    middle = one.mix(4 * BLOCK)
    assert np.allclose(middle, 0.25, atol=0.01)


def test_the_limiter_holds_the_peak_and_comes_back() -> None:
    limiter = Limiter()
    loud = np.tile(constant(1.9), (2, 1))
    for _ in range(5):
        assert np.abs(limiter.limit(loud)).max() <= CEILING + 1e-4
    quiet = np.tile(constant(0.1), (2, 1))
    levels = [float(np.abs(limiter.limit(quiet)).max()) for _ in range(60)]
    assert levels[0] < 0.07
    assert levels[-1] == pytest.approx(0.1, abs=1e-3)
    assert levels == sorted(levels)


class Silent(ThreadedSource):
    """A device that never delivers."""

    name = "silent"
    audio_format = AudioFormat()

    def run(self, sink: Sink, timeline: Timeline) -> None:
        self.stopping.wait()


class Square(ThreadedSource):
    """A steady level, in real time."""

    name = "square"
    audio_format = AudioFormat()

    def run(self, sink: Sink, timeline: Timeline) -> None:
        block = 0
        while not self.stopping.wait(max(0.0, (block + 1) * 480 / RATE - timeline.now())):
            sink.audio(sound(block * 480, constant(0.5, 480)))
            block += 1


def test_it_runs_by_the_clock_although_an_input_is_dead() -> None:
    both, sink = Mixer([(Square(), Channel("game")), (Silent(), Channel("mic"))]), Recorder()
    timeline = Timeline.begin()
    both.start(sink, timeline)
    sink.wait_for(audio=40)
    both.stop()
    starts = [pts(frame) for frame in sink.audio_frames]
    assert starts == list(range(starts[0], starts[0] + len(starts) * BLOCK, BLOCK))
    late = [frame.to_ndarray() for frame in sink.audio_frames[3:]]
    share = np.mean([np.allclose(block, 0.5, atol=1e-3) for block in late])
    assert share > 0.9
    assert timeline.now() * RATE - starts[-1] < RATE
    assert sink.errors == [None]


def test_stopping_stops_the_inputs() -> None:
    tone = Tone()
    one, sink = Mixer([(tone, Channel("game"))]), Recorder()
    one.start(sink, Timeline.begin())
    sink.wait_for(audio=1)
    begun = time.monotonic()
    one.stop()
    assert time.monotonic() - begun < 1
    assert tone.stopping.is_set()


def test_noise_is_taken_out_and_the_voice_stays_where_it_was() -> None:
    one = mixer(Channel("mic", denoise=True))
    random = np.random.default_rng(1)
    count = 3 * RATE
    noise = random.normal(0, 0.005, count).astype(np.float32)
    times = np.arange(count) / RATE
    voice = np.where(times > 2, 0.3 * np.sin(2 * np.pi * 440 * times), 0)
    mixed: list[NDArray[np.float32]] = []
    for start in range(0, count, BLOCK):
        whole = noise[start : start + BLOCK] + voice[start : start + BLOCK].astype(np.float32)
        one.inputs[0].audio(sound(start, whole))
        if start >= 4 * BLOCK:
            mixed.append(one.mix(start - 4 * BLOCK)[0])
    heard = np.concatenate(mixed)
    hiss = heard[RATE : 2 * RATE - BLOCK]
    assert hiss.std() < noise.std() / 3
    begins = int(np.flatnonzero(np.abs(heard) > 0.1)[0])
    assert abs(begins - 2 * RATE) < 0.005 * RATE
    assert 0.25 < np.abs(heard[2 * RATE + BLOCK : -BLOCK]).max() < 0.35


def test_every_input_by_itself() -> None:
    both = mixer(Channel("game", gain=0.5), Channel("mic", muted=True))
    stems: list[tuple[int, float]] = []
    both.on_stem = lambda number, frame: stems.append((number, frame.to_ndarray().max()))
    both.inputs[0].audio(sound(0, constant(0.4)))
    both.inputs[1].audio(sound(0, constant(0.1)))
    both.mix(0)
    assert stems == [(0, pytest.approx(0.2)), (1, 0.0)]
