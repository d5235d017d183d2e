"""Limits by address: one caller's IPv6 network is one caller."""

import pytest

from harness.gateway import authentication, cluster, configuration
from harness.web import post
from harness.web_backend import WebBackend


def statuses(running, addresses, **more):
    return [post(running.address, "http1", "/a", {"x-forwarded-for": address, **more}, b"", "GET")[0] for address in addresses]


def start(gateway, own, **more):
    rest = own(WebBackend())
    return gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, trusted_proxies=["127.0.0.0/8"], workers=1,
                                 routes=[{"name": "web", "cluster": "web", "allow": "anyone", "limits": more.pop("limits", [])}], **more))


@pytest.mark.parametrize("prefix, addresses, wanted", [
    (None, ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::1", "2001:db8:0:1::1"], [200, 429, 429, 200]),
    (None, ["203.0.113.1", "203.0.113.2", "::ffff:203.0.113.1", "[::ffff:203.0.113.2]:80"], [200, 200, 429, 429]),
    ({"ipv6": 48}, ["2001:db8::1", "2001:db8:0:1::1", "2001:db8:1::1"], [200, 429, 200]),
    ({"ipv6": 128}, ["2001:db8::1", "2001:db8::2", "2001:db8::1"], [200, 200, 429]),
    ({"ipv4": 24}, ["203.0.113.1", "203.0.113.2", "203.0.112.1", "2001:db8::1", "2001:db8::2"], [200, 429, 200, 200, 429]),
])
def test_a_limit_counts_by_network(gateway, own, prefix, addresses, wanted):
    running = start(gateway, own, limits=["1/month per address"], **({"address_prefix": prefix} if prefix else {}))
    assert statuses(running, addresses) == wanted


def test_failed_logins_do_too(gateway, own, signing_key):
    running = start(gateway, own, authentication={**authentication(signing_key), "failed_logins": "1/s burst 3"})
    said = statuses(running, [f"2001:db8::{number:x}" for number in range(1, 13)], authorization="Bearer bad")
    assert said[:3] == [401] * 3 and 429 in said[3:]
    assert statuses(running, ["2001:db8:0:1::1"], authorization="Bearer bad") == [401]
    line = running.wait_for_log(lambda line: line.get("status") == 429)
    assert line["downstream_address"].startswith("2001:db8::"), line
