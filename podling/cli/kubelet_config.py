"""The cluster's KubeletConfiguration: taken at `podling up`, kept in the state directory, read by its kubelets."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from podling.cli.refusal import Refusal

if TYPE_CHECKING:
    from kubelet.configuration import Configuration
    from podling.state import State


def keep(state: "State", file: str | None, manifests: str | None) -> None:
    """What is None stays as it was; "" goes back to the defaults. Errors: Refusal."""
    from podling.files import write_atomically

    before = _data(state.kubelet_config)
    data = dict(before) if file is None else _given(file)
    if manifests is not None:
        data["staticPodPath"] = str(Path(manifests).absolute()) if manifests else ""
        if manifests and not Path(manifests).is_dir():
            raise Refusal(f"--manifests {manifests} is no directory")
    if data == before:
        return
    _checked(data, file or str(state.kubelet_config))
    if state.is_running:
        raise Refusal(f"the kubelets of cluster {state.name} run already; `podling down --name {state.name}` first")
    state.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(state.kubelet_config, _encoded(data), mode=0o600)


def read(state: "State", node: str) -> "Configuration":
    """For one kubelet. Without a path of their own, manifests of a node's static pods are in `manifests/<node>`."""
    from msgspec.structs import replace

    found = _checked(_data(state.kubelet_config), str(state.kubelet_config))
    if found.static_pod_path:
        return found
    folder = state.manifests(node)
    folder.mkdir(parents=True, exist_ok=True)
    return replace(found, static_pod_path=str(folder))


def _given(file: str) -> dict[str, Any]:
    if not file:
        return {}
    path = Path(file).absolute()
    data = _data(path)
    if not path.exists():
        raise Refusal(f"--kubelet-config {file}: there is no such file")
    if relative := data.get("staticPodPath"):
        data["staticPodPath"] = str(path.parent / str(relative))
    return data


def _data(path: Path) -> dict[str, Any]:
    """{} where there is no file."""
    import yaml

    try:
        found = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Refusal(f"{path} cannot be read: {' '.join(str(reason).split())}") from None
    if not isinstance(found or {}, dict):
        raise Refusal(f"{path} holds no KubeletConfiguration")
    return dict(found or {})


def _checked(data: dict[str, Any], where: str) -> "Configuration":
    from kubelet.configuration import ConfigurationError, configuration

    try:
        return configuration(data)
    except ConfigurationError as error:
        raise Refusal(f"{where}: {error}") from None


def _encoded(data: dict[str, Any]) -> bytes:
    import yaml

    text: str = yaml.safe_dump(data, sort_keys=False)
    return text.encode()
