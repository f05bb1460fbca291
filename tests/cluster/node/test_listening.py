"""Listening sockets are found with their addresses, whatever the family."""

import socket

from labsupport.cluster.pocket.node.listening import listening


def test_own_listener_is_found() -> None:
    with socket.create_server(("127.18.255.250", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        found = {(one.address, one.port) for one in listening()}
        assert ("127.18.255.250", server.getsockname()[1]) in found
        assert ("127.0.0.1", other.getsockname()[1]) in found


def test_mapped_and_any_addresses_are_read() -> None:
    with socket.socket(socket.AF_INET6) as six:
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        six.bind(("::ffff:127.18.255.251", 0))
        six.listen()
        with socket.create_server(("", 0)) as everywhere:
            found = {(one.address, one.port) for one in listening()}
            assert ("127.18.255.251", six.getsockname()[1]) in found
            assert ("0.0.0.0", everywhere.getsockname()[1]) in found
