"""Links: an address, or the resource itself where that is asked for."""

from simulator.ev_energy.episodes import Row


def expanded(row: Row, wanted: list[str]) -> Row:
    """Return a row in which everything linked is an address, save what is wanted."""
    shown = dict(row)
    for name in ("latest_status_log", "trim", "model"):
        value = shown.get(name)
        if not isinstance(value, dict):
            continue
        within = [one.partition(".")[2] for one in wanted if one.partition(".")[0] == name]
        if within:
            inner = [one for one in within if one]
            shown[name] = _inner(value, inner)
        elif "id" in value:
            shown[name] = f"{row['url']}/{name}/{value['id']}"
        else:
            shown[name] = f"{row['url']}/status_logs/latest"
    return shown


def _inner(value: Row, wanted: list[str]) -> Row:
    shown = dict(value)
    for name in ("model", "make"):
        inner = shown.get(name)
        if not isinstance(inner, dict):
            continue
        within = [one.partition(".")[2] for one in wanted if one.partition(".")[0] == name]
        if within:
            shown[name] = _inner(inner, [one for one in within if one])
        else:
            shown[name] = str(inner["id"])
    return shown
