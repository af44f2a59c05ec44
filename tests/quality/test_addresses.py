"""Which addresses an alert may go to."""

import ipaddress

import pytest

from amelio.quality.addresses import refusal

REFUSED = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "0.0.0.0", "224.0.0.1", "255.255.255.255",
    "192.0.0.192", "198.18.0.1", "203.0.113.5", "240.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "::ffff:10.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", REFUSED)
def test_what_is_not_a_public_host_is_refused(host: str) -> None:
    assert refusal((host, 443), ())


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "140.82.121.4", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_hosts_are_not(host: str) -> None:
    assert refusal((host, 443), ()) is None


@pytest.mark.parametrize(
    "address", [("example.org", 80), ("", 1), "/run/docker.sock", b"/x", (), 7]
)
def test_what_is_no_address_is_refused(address: object) -> None:
    assert refusal(address, ())


def test_only_the_networks_that_the_user_names_are_allowed() -> None:
    allowed = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd12::/16")]
    assert refusal(("10.1.2.3", 25), allowed) is None
    assert refusal(("fd12::1", 25, 0, 0), allowed) is None
    assert refusal(("10.2.2.3", 25), allowed) == "10.2.2.3 is a private address"
    assert refusal(("169.254.169.254", 80), allowed)
