"""The KOSTAL Smart Energy Meter."""
