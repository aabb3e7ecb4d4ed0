"""Volumes in containers. Source: kubernetes/pkg/apis/core/validation.ValidateVolumeMounts, ValidateVolumeDevices."""

from collections.abc import Mapping

from apiserver.kinds.kind import Object
from apiserver.kinds.pod.paths import descending, without_backsteps
from podling.api import field
from podling.api.field import ErrorList, Path

PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def validate_mounts(container: Object, volumes: Mapping[str, Object], path: Path) -> ErrorList:
    """Some errors name all mounts, not the one: as Kubernetes does."""
    devices = container.get("volumeDevices") or ()
    errors: ErrorList = []
    taken: set[str] = set()
    for position, mount in enumerate(container.get("volumeMounts") or ()):
        here, name, target = path.index(position), mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            errors.append(field.required(here.child("name")))
        if name not in volumes:
            errors.append(field.not_found(here.child("name"), name))
        if not target:
            errors.append(field.required(here.child("mountPath")))
        if target in taken:
            errors.append(field.invalid(here.child("mountPath"), target, "must be unique"))
        taken.add(target)
        if any(device.get("name") == name for device in devices):
            errors.append(field.invalid(here.child("name"), name, "must not already exist in volumeDevices"))
        if any(device.get("devicePath") == target for device in devices):
            words = "must not already exist as a path in volumeDevices"
            errors.append(field.invalid(here.child("mountPath"), target, words))
        errors += _below(mount, path, here)
        errors += _propagation(mount, container, path)
    return errors


def _below(mount: Object, path: Path, here: Path) -> ErrorList:
    errors: ErrorList = []
    if mount.get("subPath"):
        errors += descending(mount["subPath"], path.child("subPath"))
    if expression := mount.get("subPathExpr"):
        if mount.get("subPath"):
            words = "subPathExpr and subPath are mutually exclusive"
            errors.append(field.invalid(here.child("subPathExpr"), expression, words))
        errors += descending(expression, path.child("subPathExpr"))
    return errors


def _propagation(mount: Object, container: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    mode = mount.get("mountPropagation")
    if mode is not None:
        here = path.child("mountPropagation")
        if mode not in PROPAGATIONS:
            errors.append(field.not_supported(here, mode, PROPAGATIONS))
        elif mode == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
            words = "Bidirectional mount propagation is available only to privileged containers"
            errors.append(field.forbidden(here, words))
    recursive = mount.get("recursiveReadOnly")
    if recursive is None or recursive == "Disabled":
        return errors
    here = path.child("recursiveReadOnly")
    if recursive not in RECURSIVE:
        return [*errors, field.not_supported(here, recursive, RECURSIVE)]
    if not mount.get("readOnly"):
        errors.append(field.forbidden(here, "may only be specified when readOnly is true"))
    if mode not in (None, "None"):
        errors.append(field.forbidden(here, "may only be specified when mountPropagation is None or not specified"))
    return errors


def validate_devices(container: Object, volumes: Mapping[str, Object], path: Path) -> ErrorList:
    mounts = container.get("volumeMounts") or ()
    errors: ErrorList = []
    names_: set[str] = set()
    paths: set[str] = set()
    for position, device in enumerate(container.get("volumeDevices") or ()):
        here, name, target = path.index(position), device.get("name", ""), device.get("devicePath", "")
        if not name:
            errors.append(field.required(here.child("name")))
        if name in names_:
            errors.append(field.invalid(here.child("name"), name, "must be unique"))
        volume = volumes.get(name)
        if volume is None:
            errors.append(field.not_found(here.child("name"), name))
        elif volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
            words = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            errors.append(field.invalid(here.child("name"), name, words))
        if not target:
            errors.append(field.required(here.child("devicePath")))
        if target in paths:
            errors.append(field.invalid(here.child("devicePath"), target, "must be unique"))
        if target and without_backsteps(target, here):
            errors.append(field.invalid(here.child("devicePath"), target, "can not contain backsteps ('..')"))
        else:
            paths.add(target)
        if any(mount.get("name") == name for mount in mounts):
            errors.append(field.invalid(here.child("name"), name, "must not already exist in volumeMounts"))
        if any(mount.get("mountPath") == target for mount in mounts):
            words = "must not already exist as a path in volumeMounts"
            errors.append(field.invalid(here.child("devicePath"), target, words))
        names_.add(name)
    return errors
