"""What every provider shares: vocabulary, model, requests, tokens, paging, budget.

Knows neither Home Assistant nor any provider: imports point from the Home Assistant modules to
the providers to here, never back (a test asserts it).
"""
