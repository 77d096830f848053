"""What a person does in a browser, done by a program: `scripts/e2e`."""
