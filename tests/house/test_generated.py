"""What is generated is what the sources say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wire_code_is_up_to_date(tmp_path: Path) -> None:
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "proto").rglob("*.proto"))
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}",
         f"--grpc_python_out={tmp_path}", *sources],
        cwd=ROOT, check=True,
    )  # fmt: skip
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py*")}
    assert made
    stale = [
        str(name) for name, text in made.items() if not (ROOT / name).exists() or (ROOT / name).read_text() != text
    ]
    assert stale == [], "run `make proto`"
