"""Enode."""
