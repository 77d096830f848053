"""What each provider may do wrong, and what the integration then does: `scripts/faults`."""
