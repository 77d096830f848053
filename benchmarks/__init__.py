"""What the integration costs, measured; run by `scripts/bench`."""
