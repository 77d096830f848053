"""What is promised in `docs/security.md` and cuts across modules."""
