"""Where all rooms meet: configuration, the tagger, what a worker holds, replay."""
