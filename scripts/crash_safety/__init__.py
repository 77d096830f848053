"""Crash safety: Home Assistant killed at the worst moments, and what it knows afterwards."""
