"""An API server in a process of its own over its own store, that can be killed and started again."""

import asyncio
import os
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import msgspec

from apiserver.kinds.apps.deployment import DEPLOYMENT
from apiserver.objects import keys
from podling.state import State, StateError, prepare, take_range
from podling.storage import Change, prefix_end
from store.local import LocalStorage
from tests.scenarios.api_model.truth import Truth, bare

NAME = "model"
START_SECONDS = 60.0


class Server:
    """`up` is set while it answers. Clients use `session`, and never send anything twice by themselves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.up, self.starts = folder, asyncio.Event(), 0
        self.state = State(NAME, folder / "podling")
        self.process: asyncio.subprocess.Process | None = None
        self.session: aiohttp.ClientSession | None = None
        with self.state.locked():
            claim = take_range(self.state)
            prepare(self.state, claim.pod_cidr)
        self._claim = claim.socket  # while it is open nobody else takes the ports of a server that was killed

    async def start(self) -> None:
        environment = os.environ | {"XDG_STATE_HOME": str(self.folder), "KUBECONFIG": str(self.folder / "config")}
        command = [str(Path(sys.executable).with_name("podling")), "apiserver", "--name", NAME]
        command += ["--etcd-compaction-interval", "0"]  # the truth is what the store remembers
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        async with asyncio.timeout(START_SECONDS):
            while not await self._answers():
                assert self.process.returncode is None, (self.folder / "log").read_text()[-3000:]
                await asyncio.sleep(0.05)
        self.starts += 1
        self.up.set()

    async def _answers(self) -> bool:
        try:
            if self.session is None:
                tls = ssl.create_default_context(cafile=str(self.state.pki / "ca.crt"))
                tls.load_cert_chain(self.state.pki / "admin.crt", self.state.pki / "admin.key")
                self.session = aiohttp.ClientSession(
                    f"https://127.0.0.1:{self.state.load().ports['apiserver']}",
                    connector=aiohttp.TCPConnector(ssl=tls, limit=0),
                    timeout=aiohttp.ClientTimeout(total=None, sock_read=60),
                    read_bufsize=1 << 20,
                )
            async with self.session.get("/readyz") as answer:
                return answer.status == 200
        except (OSError, aiohttp.ClientError, StateError):
            return False

    async def kill(self) -> None:
        assert self.process is not None
        self.up.clear()
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        if self.session is not None:
            await self.session.close()
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()
        self._claim.close()

    async def truth(self) -> Truth:
        """What its store holds, read when it has stopped."""
        prefix, storage = keys.prefix(DEPLOYMENT).encode(), await LocalStorage.open(self.state.store)
        written = []
        try:
            last = await storage.revision()
            changed = (await storage.range(prefix, prefix_end(prefix))).kvs
            newest = max((kv.mod_revision for kv in changed), default=0)
            async for batch in storage.watch(b"\0", b"\0", 1):
                for event in batch.events:
                    if event.kv.key.startswith(prefix):
                        body = None if event.change is Change.DELETE else bare(msgspec.json.decode(event.kv.value))
                        written.append((event.kv.mod_revision, event.kv.key[len(prefix) :].decode(), body))
                if batch.revision >= last:
                    break
            assert newest <= last
        finally:
            await storage.close()
        return Truth(written)
