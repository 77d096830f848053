"""Traxes: devices behind the Connect API."""
