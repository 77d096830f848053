"""The past of an account in Home Assistant's long-term statistics.

`backfill` says when what is asked for, `past` turns it into hours, `statistics` writes them;
`tariffs` and `prices` say what an hour costs; the rest is what a person sees of it.
"""
