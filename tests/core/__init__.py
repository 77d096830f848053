"""The specification of `core`: one module of tests for each module there."""
