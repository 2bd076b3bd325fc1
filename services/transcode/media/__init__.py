"""What a stream is made of: pure rules from source facts to plans, argv, checks and playlists."""
