"""What the scenarios share: the person, the providers, and Home Assistant's interface."""

from dataclasses import dataclass

from scripts.demonstration.session import Session
from simulator import Simulator

from .person import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A person in front of a real Home Assistant, with the simulated providers behind it."""

    person: Person
    simulator: Simulator
    session: Session
