"""The folder that Home Assistant loads integrations from."""
