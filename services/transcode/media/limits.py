"""How much of a source is taken on, so that no upload can exhaust a worker."""

# Two 8K pictures side by side; a picture above it is refused before memory is asked for.
MAX_PIXELS = 2**26
# The largest single block ffmpeg may allocate, in bytes.
MAX_ALLOC = 2**29
MAX_SECONDS = 12 * 3600
# Of all kinds in one file: cameras and broadcasts have a few dozen.
MAX_STREAMS = 128
# Frames or packets of one stream: twelve hours at 120 in a second.
MAX_SAMPLES = MAX_SECONDS * 120
# The index of an ISO media file, in bytes.
MAX_INDEX = 2**28
# Of subtitles in one file: films for all the world have a few dozen. And the bytes of each.
MAX_SUBTITLES = 32
MAX_SUBTITLE_BYTES = 2**22
# The address space of a probe, in bytes.
PROBE_MEMORY = 2**32
