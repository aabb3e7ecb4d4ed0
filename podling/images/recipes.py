"""The images that can be made here. Each plays the one that its name promises, as far as the examples need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DEBIAN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Recipe:
    """`files`: path in the image to a file of `podling/images/files`; scripts (.sh) are made executable.

    `leave_out` names packages of the closure that the image works without. `config` are Dockerfile instructions.
    """

    packages: Sequence[str] = ()
    leave_out: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()
    config: Sequence[str] = ()


BUSYBOX = Recipe(config=['CMD ["sh"]'])

PAGE = Recipe(
    packages=("curl",),
    files={"usr/bin/serve-page": "serve-page.sh"},
    config=["EXPOSE 8080", 'CMD ["serve-page"]'],
)

NGINX = Recipe(
    packages=("nginx",),
    leave_out=("iproute2", "libbpf1", "libelf1", "libtirpc3", "libtirpc-common", "libcap2-bin", "debconf"),
    files={
        "etc/nginx/nginx.conf": "nginx.conf",
        "usr/share/nginx/html/index.html": "nginx.html",
    },
    links={"var/log/nginx/access.log": "/dev/stdout", "var/log/nginx/error.log": "/dev/stderr"},
    folders=("var/lib/nginx", "var/log/nginx", "run"),
    config=["EXPOSE 80", 'CMD ["nginx", "-g", "daemon off;"]'],
)

GIT_SYNC = Recipe(
    packages=("git",),
    leave_out=("git-man", "liberror-perl", "dpkg", "tar", "libmd0"),
    files={"usr/bin/git-sync": "git-sync.sh", "etc/gitconfig": "gitconfig"},
    config=['ENTRYPOINT ["git-sync"]'],
)

RECIPES: Mapping[str, Recipe] = {
    "busybox": BUSYBOX,
    "nigelpoulton/k8sbook:1.0": PAGE,
    "nigelpoulton/web-app:1.0": PAGE,
    "nginx": NGINX,
    "k8s.gcr.io/git-sync:v3.1.6": GIT_SYNC,
}


def recipe(name: str) -> Recipe | None:
    """That of the image, however written: `docker.io/library/nginx:latest` is `nginx`. None: it cannot be made."""
    short = name.removeprefix("docker.io/").removeprefix("library/").removesuffix(":latest")
    return RECIPES.get(short) or (RECIPES["busybox"] if short.startswith("busybox:") else None)
