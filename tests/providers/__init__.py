"""Each provider, against payload files and against the simulator."""
