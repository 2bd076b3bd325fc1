"""How far before a chunk's first frame its source is read: as little as the container and its key frames allow.

A family that seeks by key frames is asked for a moment just after the chunk's first frame: it lands on the last key
frame that is shown by then. Pictures that lead up to this key frame may be broken, and none of them is wanted.
"""

from fractions import Fraction

from services.transcode.media.facts import SourceFacts, VideoFacts

# Where nothing better is known, decoding starts this much before: leading pictures of an open GOP are whole by then.
_PREROLL = Fraction(2)
# Above this a chunk would spend more on getting to its first frame than on its own frames.
_LONGEST_PREROLL = Fraction(12)
# Of a frame: beyond the jitter that a constant rate may have, short of where the next frame could begin.
_JUST_AFTER = Fraction(1, 4)
# Codecs whose pictures are known by their place among the packets: no later one is shown first, or only by a rule.
_COUNTED = ("mpeg4", "msmpeg4v3", "mjpeg", "dvvideo", "rawvideo", "huffyuv", "ffv1")
# More than are ever shown before the key frame that precedes them in the stream.
_LEADING_FRAMES = 4
# What is read from the start for every chunk must be small enough to lie on the worker's disk.
_MOST_SCANNED = 64 << 20
# Of a container that does not say it seeks by show times, ffmpeg asks for that much less when frames are reordered.
_FFMPEG_ASKS_EARLIER = Fraction(3, 23)


def can_seek(facts: SourceFacts, video: VideoFacts) -> bool:
    """Whether chunks may begin anywhere but at the source's start."""
    if facts.container.seek == "none" or _anywhere(facts, video) > _LONGEST_PREROLL:
        return False
    if facts.container.seek == "scan":
        return facts.size <= _MOST_SCANNED and video.constant_rate
    return facts.container.shown_times or (video.codec in _COUNTED and not video.packed)


def preroll(facts: SourceFacts, video: VideoFacts, start: Fraction) -> Fraction:
    """Seconds before `start`, which is seconds after the first frame; less than zero where ffmpeg has to ask later."""
    healing = min(video.healing / video.frame_rate, start)
    return healing + _to_whole(facts, video, start - healing)


def _to_whole(facts: SourceFacts, video: VideoFacts, start: Fraction) -> Fraction:
    if not video.constant_rate:
        return _anywhere(facts, video) + _late(facts, video)
    if facts.container.seek == "time":
        return _to_a_key_frame(video, start)
    if not facts.container.shown_times:
        return _LEADING_FRAMES / video.frame_rate
    asked = -_JUST_AFTER / video.frame_rate
    if facts.container.demuxer == "mov":
        return asked + video.key_delay_spread + _late(facts, video)
    return asked - _FFMPEG_ASKS_EARLIER if video.key_delay else asked


def careful(preroll: Fraction) -> Fraction:
    """From further back than any key frame lies, for a chunk that did not come out exact."""
    return max(preroll, Fraction(0)) + _LONGEST_PREROLL


def _to_a_key_frame(video: VideoFacts, start: Fraction) -> Fraction:
    """It lands on any packet that is decoded by then: just before the key frame is decoded is where it should."""
    before = video.key_delay + Fraction(1, 2) / video.frame_rate
    if video.keyframe_period:
        return (start + _JUST_AFTER / video.frame_rate) % video.keyframe_period + before
    return video.keyframe_gap + before


def _anywhere(facts: SourceFacts, video: VideoFacts) -> Fraction:
    # The frame on screen at the boundary may have been shown long before it.
    enough = max(_PREROLL, video.longest_frame + Fraction(1, 2), video.healing / video.frame_rate)
    return max(enough, video.keyframe_gap + 1) if facts.container.seek == "time" else enough


def _late(facts: SourceFacts, video: VideoFacts) -> Fraction:
    # ffmpeg looks times up in an index without the pause that an edit list may begin with, so it lands late by it.
    return max(video.start, Fraction(0)) if facts.container.demuxer == "mov" else Fraction(0)
