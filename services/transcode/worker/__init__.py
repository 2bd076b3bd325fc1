"""Pulls a task, runs ffmpeg on it in a sandbox, reports. Owns nothing but its scratch folder."""
