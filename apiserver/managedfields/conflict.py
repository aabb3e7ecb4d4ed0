"""The refusal of an apply that would take fields from other managers.

Source of words: k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go.
"""

from apiserver.managedfields.entries import Manager
from apiserver.managedfields.fieldset import FieldSet, Path, show
from podling.api.errors import Conflict


class Conflicts(Exception):
    """Which fields of which managers stand against an apply."""

    def __init__(self, sets: dict[Manager, FieldSet]) -> None:
        super().__init__()
        self.found: list[tuple[Manager, Path]] = [
            (manager, path) for manager in sorted(sets, key=Manager.identifier) for path in sets[manager].paths()
        ]

    def fields(self) -> FieldSet:
        return FieldSet.of(path for _, path in self.found)

    def refusal(self) -> Conflict:
        causes = [
            {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": show(path)}
            for manager, path in self.found
        ]
        return Conflict(self._message(), {"causes": causes})

    def _message(self) -> str:
        if len(self.found) == 1:
            manager, path = self.found[0]
            return f"Apply failed with 1 conflict: conflict with {manager}: {show(path)}"
        lines: list[str] = []
        for manager in dict.fromkeys(manager for manager, _ in self.found):
            lines.append(f"conflicts with {manager}:")
            lines += [f"- {show(path)}" for other, path in self.found if other == manager]
        return f"Apply failed with {len(self.found)} conflicts: " + "\n".join(lines)
