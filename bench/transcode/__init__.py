"""The transcode engine against one hand-tuned ffmpeg process."""
