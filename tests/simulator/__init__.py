"""Tests of the simulator: its strictness is what other tests rely on."""
