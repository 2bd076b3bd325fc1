"""Plans, argv, boxes and playlists as data."""
