"""The SDK's way to a local engine, mended: it leaves a socket open for every connection that is refused, and a kubelet
that waits for its engine would gather them. Source: docker.transport.unixconn, 7.2."""

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
        with self.pools.lock:
            pool: Pool | None = self.pools.get(url)
            if pool is None:
                pool = self.pools[url] = Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
            return pool
