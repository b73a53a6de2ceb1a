"""Which secrets an auth section may hold, through whole stacks."""

from __future__ import annotations

import hashlib

import pytest

from tests.support.sip_stacks import Node, SimNet, open_settings, registrar_settings

TEXT = b"alice:asterisk:secret"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"password": "secret"}, 200),
        ({"password": "other"}, 401),
        ({"password": "", "md5_cred": hashlib.md5(TEXT).hexdigest()}, 200),
        ({"password": "", "md5_cred": "0" * 32}, 401),
        (
            {
                "password": "",
                "password_digests": (("SHA-256", hashlib.sha256(TEXT).hexdigest()),),
                "supported_algorithms_uas": ("SHA-256",),
            },
            200,
        ),
        ({"username": "bob"}, 401),
    ],
)
def test_secrets(options: dict[str, object], status: int) -> None:
    net = SimNet()
    server = Node(net, "server", ("10.0.0.1", 5060)).start(registrar_settings(**options))
    phone = Node(net, "phone", ("10.0.0.2", 5060)).start(open_settings())
    answers = phone.register(server, "<sip:alice@10.0.0.2>", password="secret")
    net.run(1.0)
    assert [answer[0] for answer in answers] == [status]


def test_a_stale_nonce_is_challenged_anew_and_served() -> None:
    net = SimNet()
    server = Node(net, "server", ("10.0.0.1", 5060)).start(registrar_settings(nonce_lifetime=5))
    phone = Node(net, "phone", ("10.0.0.2", 5060)).start(open_settings())
    net.policy = lambda number, data: (8.0,) if b"Authorization" in data else (0.01,)
    answers = phone.register(server, "<sip:alice@10.0.0.2>", password="secret")
    net.run(12.0)
    net.policy = lambda number, data: (0.01,)
    net.run(12.0)
    assert any("401" in line for line in net.trace)
    assert answers[0][0] == 200
