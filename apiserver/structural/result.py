"""What a check of one value found. Source: k8s.io/kube-openapi/pkg/validation/validate/result.go."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from podling.api import field as errors
from podling.api.field import FieldError, Path


@dataclass(slots=True)
class Result:
    """Errors, each once, and how many checks passed: the best of several failed alternatives has most."""

    errors: list[FieldError] = field(default_factory=list)
    passed: int = 0

    def add(self, *found: FieldError) -> None:
        for each in found:
            if each not in self.errors:
                self.errors.append(each)

    def merge(self, other: "Result | None") -> None:
        if other is not None:
            if other.errors:
                self.add(*other.errors)
            self.passed += other.passed


# value, its path ("spec.crew[0].name"), and what stood there before (MISSING where nothing is known of it)
Check = Callable[[Any, str, Any], Result]
Step = Callable[[Any, str, Any], Result | None]


def one(error: FieldError | None) -> Result:
    return Result([error] if error is not None else [])


def at(path: str) -> Path:
    return Path(path.removeprefix("."))


def invalid(path: str, value: Any, words: str) -> FieldError:
    """`spec.sails: Invalid value: 9: spec.sails in body should be …`"""
    return errors.invalid(at(path), value, f"{path} in body {words}")


def wrong_type(path: str, wanted: str, found: str) -> FieldError:
    return errors.type_invalid(at(path), found, f"{path} in body must be of type {wanted}: {errors.show(found)}")


def whole(words: str) -> FieldError:
    """What no single field is to blame for: an alternative that nothing fits."""
    return errors.invalid(Path(), "", words)
