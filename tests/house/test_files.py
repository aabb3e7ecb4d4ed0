"""How the tree looks."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORY = ROOT / "docs" / "life-of-a-pod.md"
POINTER = re.compile(r"`([\w/]+\.py):([\w.]+)`")
MOST_LINES = 400


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    if not any(listed):  # an unpacked archive has no git
        return sorted(path for pattern in patterns for path in ROOT.rglob(pattern) if ".venv" not in path.parts)
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]


def test_no_file_has_grown_too_long() -> None:
    written = [path for path in tracked("*.py") if "pb" not in path.relative_to(ROOT).parts]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in written}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_nothing_promises_to_be_done_later() -> None:
    words = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error)\b|mock\.pa" r"tch")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("*.py")
        if "pb" not in path.relative_to(ROOT).parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if words.search(line)
    ]
    assert found == []


def defined(source: str) -> set[str]:
    """`function`, `Class`, `Class.method`, and names bound at the top."""
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            members = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            names |= {f"{node.name}.{member.name}" for member in members}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_every_pointer_in_the_documents_leads_somewhere() -> None:
    broken = []
    for document in [*tracked("*.md")]:
        for file, name in POINTER.findall(document.read_text()):
            path = ROOT / file
            if not path.exists() or name not in defined(path.read_text()):
                broken.append(f"{document.name}: {file}:{name}")
    assert broken == []


def test_the_life_of_a_pod_has_its_stops() -> None:
    if not STORY.exists():
        pytest.skip("docs/life-of-a-pod.md has not been written yet")
    assert len(POINTER.findall(STORY.read_text())) >= 10
