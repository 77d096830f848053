"""Commands of this repository; `scripts/demo` and `scripts/test` are the ones to start with."""
