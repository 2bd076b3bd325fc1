"""Presets, jobs, tasks and leases: decides what is encoded, by whom, and when it counts as done."""
