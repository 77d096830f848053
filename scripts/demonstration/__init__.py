"""The demo: the simulator and a real Home Assistant, set up through its own HTTP interface."""
