# Home Assistant 2026.11 puts probatio in voluptuous' place when it starts, and
# its own annotations name probatio's classes: to mypy the two are one as well.
from probatio import *
