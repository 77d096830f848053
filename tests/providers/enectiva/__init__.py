"""Enectiva: payloads, and an account against the simulator."""
