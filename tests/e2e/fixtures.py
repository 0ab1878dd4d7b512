"""The fixture that the end-to-end tests and the contracts of plugins share."""
import pytest

from harness import Gateway


@pytest.fixture
def make_gateway():
    """Starts gateways with settings of their own; all are stopped (and checked) at the end."""
    made = []

    def make(**options):
        gateway = Gateway(**options)
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        gateway.close()
