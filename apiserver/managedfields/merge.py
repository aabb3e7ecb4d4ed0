"""An applied configuration merged into the live object: nothing goes away, the configuration wins.

Lists are merged by item, in the order of the configuration where it orders shared items, with the live object's other
items kept around them. Source: structured-merge-diff, typed/merge.go.
"""

from typing import Any

from apiserver.managedfields.compare import MISSING
from apiserver.managedfields.shape import ANY, SchemaError, Shape


def merge(live: Any, config: Any, shape: Shape) -> Any:
    """Shares what did not change with its arguments, which stay as they were."""
    if config is MISSING:
        return live
    kind = shape.kind
    if kind == "any":
        kind = "map" if isinstance(live, dict) and isinstance(config, dict) else "scalar"
    if kind == "map" and (live is not MISSING or isinstance(config, dict)):
        return _merge_members(live, config, shape)
    if kind == "list":
        return _merge_items(live, config, shape)
    return config


def _merge_members(live: Any, config: Any, shape: Shape) -> Any:
    before = live if isinstance(live, dict) else {}
    after = config if isinstance(config, dict) else {}
    if not before and not after:
        return config
    merged = dict(before)
    for name, value in after.items():
        merged[name] = merge(before.get(name, MISSING), value, shape.member(name) or ANY)
    return merged


def _merge_items(live: Any, config: Any, shape: Shape) -> Any:
    before = live if isinstance(live, list) else []
    after = config if isinstance(config, list) else []
    if not before and not after:
        return config
    return _Weaver(before, after, shape).run()


class _Weaver:
    """Walks both lists at once. `shared` are the configuration's keys that the live list has too, still to come."""

    def __init__(self, live: list[Any], config: list[Any], shape: Shape) -> None:
        self.live, self.config, self.shape = live, config, shape
        self.live_keys = [shape.element(item) for item in live]
        self.config_keys = [shape.element(item) for item in config]
        if len(set(self.config_keys)) < len(self.config_keys):
            raise SchemaError("rhs: duplicate entries")
        repeated = {key for key in self.live_keys if self.live_keys.count(key) > 1}
        self.by_key = {key: item for key, item in zip(self.live_keys, live, strict=True) if key not in repeated}
        known = set(self.live_keys)
        self.shared = [key for key in self.config_keys if key in known]
        self.merged: set[str] = set()
        self.out: list[Any] = []

    def take(self, key: str, item: Any) -> None:
        """The configuration's item, merged with the live one of its key."""
        self.merged.add(key)
        self.out.append(merge(self.by_key.get(key, MISSING), item, self.shape.items))
        if self.shared and self.shared[0] == key:
            self.shared.pop(0)

    def run(self) -> list[Any]:
        wanted = set(self.config_keys)
        at, at_config = 0, 0
        while at < len(self.live) or at_config < len(self.config):
            if at < len(self.live):
                key = self.live_keys[at]
                if at_config < len(self.config):
                    if key == self.config_keys[at_config]:
                        self.take(key, self.config[at_config])
                        at, at_config = at + 1, at_config + 1
                        continue
                    if key in wanted and self.shared and self.shared[0] != key:
                        at += 1
                        continue
                if key not in wanted:
                    self.out.append(self.live[at])
                    at += 1
                    continue
                if key in self.merged:
                    at += 1
            if at_config < len(self.config):
                self.take(self.config_keys[at_config], self.config[at_config])
                at_config += 1
        return self.out
