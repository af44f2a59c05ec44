"""Which network addresses an alert may go to: public ones, and those that the user allowed."""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Azure's and Oracle's have addresses that Python 3.11 takes for public ones.
_METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "168.63.129.16", "192.0.0.192"))
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def refusal(address: object, allowed: Sequence[Network]) -> str | None:
    """Why nothing may be sent to `address`, in words; None if it may.

    address: as a socket gets it, `(host, port, …)`; names are refused, since what they resolve
    to later is unknown
    """
    host = address[0] if isinstance(address, tuple) and address else None
    if not isinstance(host, str):
        return "a local socket is no place for alerts"
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return f"{host} is not an address"
    every = [ip, *_inside(ip)]
    if any(ip in network for network in allowed if network.version == ip.version):
        return None
    for each in every:
        if kind := _kind(each):
            return f"{ip} is {kind}"
    return None


def _inside(ip: Address) -> list[Address]:
    """IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    held: list[Address | None] = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        held.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in held if each is not None]


def _kind(ip: Address) -> str:
    """What keeps an address from being an ordinary public one; empty if nothing does."""
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip in _NAT64):
        return ""  # judged by the IPv4 address in it
    if ip in _METADATA:
        return "a cloud's metadata service"
    if ip.is_loopback:
        return "this machine"
    if ip.is_link_local:
        return "a link-local address"
    if ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return "no single host's address"
    return "" if ip.is_global else "a private address"
