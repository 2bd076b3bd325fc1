"""Facts, presets and plans travel as JSON and come back equal."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from services.transcode.media.facts import SourceFacts
from services.transcode.media.plan import Plan, VideoChunk, plan
from services.transcode.media.preset import Preset, preset_hash
from services.transcode.media.sound import AudioTrack
from tests.unit.transcode_media.builders import HLS, a_source, a_video


@pytest.mark.parametrize("source", [a_source(), a_source(audio=None), a_source(video=None)])
def test_facts_survive_json(source: SourceFacts) -> None:
    assert SourceFacts.from_json(json.loads(json.dumps(source.to_json()))) == source


def test_a_plan_and_its_tasks_survive_json() -> None:
    planned = plan(a_source(), HLS)
    assert Plan.from_json(json.loads(json.dumps(planned.to_json()))) == planned
    chunk, audio = planned.chunks[1], planned.audio
    assert audio is not None
    assert VideoChunk.from_json(json.loads(json.dumps(chunk.to_json()))) == chunk
    assert AudioTrack.from_json(json.loads(json.dumps(audio.to_json()))) == audio


def test_numbers_that_went_through_a_protobuf_struct_are_whole_again() -> None:
    source = a_source()
    as_doubles = json.loads(json.dumps(source.to_json()), parse_int=float)
    assert SourceFacts.from_json(as_doubles) == source


@pytest.mark.parametrize("change", [{"size": "big"}, {"kind": "smell"}, {"video": 7}, {"duration": "a while"}])
def test_facts_of_another_shape_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        SourceFacts.from_json({**a_source().to_json(), **change})


def test_facts_with_a_hole_name_it() -> None:
    said = a_source().to_json()
    del said["sha256"]
    with pytest.raises(ValueError, match="sha256"):
        SourceFacts.from_json(said)


def test_equal_settings_are_one_preset_whatever_its_name() -> None:
    assert Preset.from_json(HLS.to_json()) == HLS
    renamed = Preset.from_json({**HLS.to_json(), "name": "other"})
    sharper = replace(HLS, video=(replace(HLS.video[0], crf=20),))
    assert preset_hash(renamed) == preset_hash(HLS) != preset_hash(sharper)


@pytest.mark.parametrize(
    ("rotation", "sar", "size"),
    [(0, "1", (720, 576)), (90, "1", (576, 720)), (0, "16/15", (768, 576)), (270, "16/15", (576, 768))],
)
def test_the_display_size_is_upright_with_square_pixels(rotation: int, sar: str, size: tuple[int, int]) -> None:
    assert a_video(width=720, height=576, sar=Fraction(sar), rotation=rotation).display_size == size


def test_facts_of_a_source_read_before_key_frames_were_timed_still_do() -> None:
    old = a_source().to_json()
    for name in ("keyframe_period", "key_delay", "key_delay_spread"):
        del old["video"][name]
    video = SourceFacts.from_json(old).video
    assert video is not None
    assert video.keyframe_period is None
    assert video.key_delay == video.key_delay_spread == 0
