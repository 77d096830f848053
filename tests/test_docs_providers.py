"""The page of each provider says what its account really is: same headings, true tables."""

from dataclasses import dataclass
from pathlib import Path
import re

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.energy_connect import providers
from custom_components.energy_connect.core.account import Provider
from custom_components.energy_connect.core.vocabulary import Quantity
from custom_components.energy_connect.history.entity import KEY as HISTORY
from custom_components.energy_connect.providers import PROVIDERS
from tests.accounts import EN
from tests.test_breadth import EACH, entry  # noqa: F401 - a fixture is used by its name
from tests.test_translations import STEP_OF

DOCS = Path(__file__).parents[1] / "docs"
HEADINGS = [
    "Use cases",
    "Supported devices",
    "Credentials",
    "Fields",
    "Options",
    "Devices and entities",
    "Controls",
    "Data update",
    "History",
    "Examples",
    "Known limitations",
    "Not confirmed",
    "Troubleshooting",
    "Removal",
]
KINDS = {words: kind for kind, words in EN["selector"]["kind"]["options"].items()}
PARTED = re.compile(r"(.+?) ([LT]\d(?:, [LT]\d)*)")
# What a provider only tells of the past: statistics, and no entities.
OF_THE_PAST = {
    "enode": {
        Quantity.ENERGY_CHARGED,
        Quantity.ENERGY_CONSUMPTION,
        Quantity.ENERGY_DISCHARGED,
        Quantity.ENERGY_EXPORT,
        Quantity.ENERGY_IMPORT,
    }
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a table of entities."""

    kind: str
    name: str
    platform: str
    units: frozenset[str]
    on: bool

    def is_of(self, kind: str, entity: er.RegistryEntry) -> bool:
        """Tell whether the line speaks of the entity, and truly."""
        name = entity.original_name or entity_words(entity.domain)["climate"]["name"]
        return (
            (self.kind, self.name, self.platform) == (kind, name, entity.domain)
            and _unit(entity.unit_of_measurement) in self.units
            and self.on is not entity.disabled
        )


def entity_words(platform: str) -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = EN["entity"][platform]
    return words


def page(provider: str) -> str:
    return (DOCS / f"{provider.replace('_', '-')}.md").read_text()


def chapter(provider: str, heading: str) -> str:
    return page(provider).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> set[str]:
    """Return the first cell of each line of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return {line.split("|")[1].strip() for line in lines[2:]}


def rows(provider: str) -> list[Row]:
    found = []
    for part in chapter(provider, "Devices and entities").split("\n### ")[1:]:
        heading, _, table = part.partition("\n")
        for line in re.findall(r"^\| .+ \|$", table, re.MULTILINE)[2:]:
            name, platform, units, on, _ = (cell.strip() for cell in line[1:-1].split("|"))
            parted = PARTED.fullmatch(name)
            names = [f"{parted[1]} {one}" for one in parted[2].split(", ")] if parted else [name]
            found += [
                Row(
                    kind=KINDS[heading],
                    name=one,
                    platform=platform.replace(" ", "_"),
                    units=frozenset(units.split(", ")),
                    on={"yes": True, "no": False}[on],
                )
                for one in names
            ]
    return found


def _unit(unit: str | None) -> str:
    if unit is None:
        return "-"
    return re.sub(r"^[A-Z]{3}(?=$|/)", "currency", unit)


@EACH
def test_all_pages_have_the_same_chapters_with_something_in_each(provider: str) -> None:
    assert re.findall(r"^## (.+)$", page(provider), re.MULTILINE) == HEADINGS
    assert all(chapter(provider, heading).strip() for heading in HEADINGS)


@EACH
async def test_the_tables_name_every_entity_of_the_account(
    hass: HomeAssistant,
    entry: ConfigEntry,  # noqa: F811 - the fixture
    provider: str,
) -> None:
    told = rows(provider)
    devices = {
        device.id: next(key for _, key in device.identifiers).split(":")[1]
        for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    }
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)

    assert entities
    assert [
        (devices[one.device_id or ""], one.domain, one.original_name)
        for one in entities
        if not any(row.is_of(devices[one.device_id or ""], one) for row in told)
    ] == []


@EACH
def test_the_tables_name_nothing_that_does_not_exist(provider: str) -> None:
    for row in rows(provider):
        plain = re.sub(r" [LT]\d$", "", row.name)
        names = {words["name"] for words in entity_words(row.platform).values()}

        assert plain in names, row


@EACH
def test_the_tables_know_all_that_the_provider_can_report(provider: str) -> None:
    folder = Path(providers.__file__).parent / provider
    source = "\n".join(file.read_text() for file in folder.glob("*.py"))
    told = {(row.platform, re.sub(r" [LT]\d$", "", row.name)) for row in rows(provider)}
    past = {f"Quantity.{quantity.name}" for quantity in OF_THE_PAST.get(provider, set())}

    for enum, platform in (
        ("Quantity", "sensor"),
        ("Moment", "sensor"),
        ("Choice", "sensor"),
        ("Flag", "binary_sensor"),
    ):
        for member in set(re.findall(rf"\b{enum}\.[A-Z0-9_]+\b", source)) - past:
            key = member.partition(".")[2].lower()
            words = EN["entity"][platform][key]["name"]
            assert (platform, words) in told, member
    for key in {one.lower() for one in re.findall(r"\bAction\.([A-Z_]+)\b", source)}:
        names = {words[key]["name"] for words in EN["entity"].values() if key in words}
        assert names & {name for _, name in told}, key


@EACH
def test_the_past_of_an_account_is_told(provider: str) -> None:
    history = EN["entity"]["sensor"][HISTORY]["name"]

    assert any(row.name == history for row in rows(provider)) is PROVIDERS[provider].history


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.key)
def test_every_field_and_option_has_its_line(provider: Provider) -> None:
    fields = EN["config"]["step"][STEP_OF[provider.key]]["data"]
    options = EN["options"]["step"]["init"]["data"]
    lines = first_cells(chapter(provider.key, "Options"))
    told = {name for line in lines for name in line.split(", ")}

    assert {fields[field.key] for field in provider.fields} <= first_cells(
        chapter(provider.key, "Fields")
    )
    assert {options[option.key] for option in provider.options} <= told


@EACH
def test_every_link_of_the_wizard_is_on_the_page(provider: str) -> None:
    for url in PROVIDERS[provider].links.values():
        assert url in page(provider)
