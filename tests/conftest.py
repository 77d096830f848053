"""What every test shares."""

import pytest
import pytest_socket

# Imported before the first `hass`, otherwise the harness' own folder of that
# name shadows it and Home Assistant does not find the integration.
import custom_components  # noqa: F401 - imported for that effect

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Allow sockets on loopback, where the simulator listens.

    The harness forbids every socket before each test; after it, only
    connections to other hosts are refused.
    """
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


@pytest.fixture(autouse=True)
def integration_enabled(request: pytest.FixtureRequest) -> None:
    """Let every `hass` load the integration of this repository."""
    # Only where there is a `hass`, which is what makes the tests of `core`,
    # `providers` and the simulator quick.
    if "hass" in request.fixturenames:
        # The recorder has to be ready before `hass` is.
        for recorder in ("recorder_mock", "async_setup_recorder_instance"):
            if recorder in request.fixturenames:
                request.getfixturevalue(recorder)
        request.getfixturevalue("enable_custom_integrations")
