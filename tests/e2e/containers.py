"""The engine behind a cluster, for what kubectl cannot do or see."""

import docker


class Containers:
    def __init__(self) -> None:
        self._api = docker.APIClient(version="auto")

    def of_pod(self, uid: str) -> list[str]:
        """The ids of a pod's containers, sandbox included, running or not."""
        return [found["Id"] for found in self._list(uid)]

    def sandbox(self, uid: str) -> str:
        """The pod's running pause container."""
        [found] = [
            c["Id"] for c in self._list(uid) if c["Names"][0].startswith("/k8s_POD_") and c["State"] == "running"
        ]
        return str(found)

    def kill(self, id: str) -> None:
        self._api.kill(id)

    def remove(self, id: str) -> None:
        self._api.remove_container(id, force=True)

    def log_file(self, id: str) -> str:
        return str(self._api.inspect_container(id)["LogPath"])

    def pid(self, id: str) -> int:
        """Of its first process."""
        return int(self._api.inspect_container(id)["State"]["Pid"])

    def is_running(self, id: str) -> bool:
        return any(found["Id"] == id and found["State"] == "running" for found in self._api.containers(all=True))

    def of_cluster(self, name: str) -> list[str]:
        return [c["Id"] for c in self._api.containers(all=True, filters={"label": f"podling.cluster={name}"})]

    def _list(self, uid: str) -> list[dict]:  # type: ignore[type-arg]
        return list(self._api.containers(all=True, filters={"label": f"io.kubernetes.pod.uid={uid}"}))
