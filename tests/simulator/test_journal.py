"""The record of requests."""

import datetime as dt

from simulator.journal import Journal, Request, fingerprint

AT = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)


def entry(number: int, *, path: str = "/a", provider: str = "echo", method: str = "GET") -> Request:
    return Request(
        number=number,
        at=AT,
        provider=provider,
        origin="api",
        method=method,
        path=path,
        query=(("filter[]", "a"), ("page", "1"), ("filter[]", "b")),
        header_names=frozenset({"accept"}),
        accept="text/html",
        content_type=None,
        scheme="Bearer",
        token_id=fingerprint("secret"),
        body_size=0,
    )


def test_finds_by_provider_path_method_and_origin() -> None:
    journal = Journal()
    journal.write(entry(1, path="/meters/1/readings"))
    journal.write(entry(2, path="/meters", method="POST"))
    journal.write(entry(3, provider="other"))
    assert [one.number for one in journal.requests()] == [1, 2, 3]
    assert [one.number for one in journal.requests(path="/meters/*")] == [1]
    assert [one.number for one in journal.requests(provider="other")] == [3]
    assert journal.count(method="POST") == 1
    assert journal.count(origin="api") == 3
    assert journal.count(origin="auth") == 0


def test_readers_do_not_change_it() -> None:
    journal = Journal()
    journal.write(entry(1))
    journal.requests().clear()
    seen = journal.requests()[0]
    journal.amend(1, authorised=True, status=200, response_size=4, fault="Html", facts={"a": "b"})
    journal.amend(1, facts={"c": "d"})
    after = journal.requests()[0]
    assert seen.status is None
    assert (after.authorised, after.status, after.response_size) == (True, 200, 4)
    assert (after.fault, after.facts) == ("Html", {"a": "b", "c": "d"})


def test_forgets_when_told_and_when_full() -> None:
    journal = Journal(capacity=2)
    for number in (1, 2, 3):
        assert journal.next_number() == number
        journal.write(entry(number))
    assert [one.number for one in journal.requests()] == [2, 3]
    journal.clear()
    journal.amend(3, status=200)  # the answer of a forgotten request
    assert journal.requests() == []


def test_keeps_no_secret() -> None:
    kept = entry(1)
    assert "secret" not in str(kept.as_json())
    assert kept.token_id == fingerprint("secret") != fingerprint("other")
    assert kept.values("filter[]") == ["a", "b"]
    assert kept.as_json()["at"] == "2026-03-04T00:00:00+00:00"
