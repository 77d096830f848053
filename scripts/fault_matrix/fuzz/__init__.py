"""Bent payloads: whatever a provider sends, only our own errors leave an account."""
