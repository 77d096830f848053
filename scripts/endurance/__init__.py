"""Days of a real Home Assistant in minutes: five accounts, and a clock that is driven."""
