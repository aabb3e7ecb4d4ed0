"""The SDK's way to a local engine, mended. It leaves a socket open for every connection that is refused, and a kubelet
that waits for its engine would gather them; and it keeps a pool of connections for every URL that it is asked for, so
that each container is asked over a connection of its own. Source: docker.transport.unixconn, 7.2."""

import socket
from typing import Any

from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool


class Connection(UnixHTTPConnection):
    def connect(self) -> None:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.settimeout(self.timeout)
            opened.connect(self.unix_socket)
        except BaseException:
            opened.close()
            raise
        self.sock = opened


class Pool(UnixHTTPConnectionPool):
    def _new_conn(self) -> Connection:
        return Connection(self.base_url, self.socket_path, self.timeout)


class Adapter(UnixHTTPAdapter):
    def get_connection(self, url: str, proxies: Any = None) -> Pool:
        """One pool for all that is asked of the one engine."""
        with self.pools.lock:
            pool: Pool | None = self.pools.get(self.socket_path)
            if pool is None:
                pool = Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
                self.pools[self.socket_path] = pool
            return pool
