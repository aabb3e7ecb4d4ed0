"""The huge pages that the machine has set aside, as a node's resources: hugepages-2Mi."""

from pathlib import Path

from podling.api.quantity import Quantity

FOLDER = Path("/sys/kernel/mm/hugepages")


def huge_pages(folder: Path = FOLDER) -> tuple[tuple[str, int], ...]:
    """Resource names, and how many bytes there are of each size that the kernel knows; often 0."""
    found = []
    for entry in sorted(folder.glob("hugepages-*kB")):
        size = int(entry.name.removeprefix("hugepages-").removesuffix("kB")) << 10
        try:
            count = int((entry / "nr_hugepages").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        found.append((f"hugepages-{Quantity(size * 10**9, 'binary')}", size * count))
    return tuple(found)
