"""ev.energy: parsing, signing in, reading."""
