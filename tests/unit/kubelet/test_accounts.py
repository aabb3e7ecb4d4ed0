"""Which groups a container's user has, by the policy and the image's files."""

import pytest

from kubelet.accounts import Accounts, needs_accounts, with_groups
from kubelet.runtime import Security

PASSWD = "root:x:0:0:root:/root:/bin/sh\n# odd\nalice:x:1000:100::/home/alice:\nbob:x:1001:bad:::\n"
GROUP = "root:x:0:\nusers:x:100:\nwheel:x:10:root,alice\nextra:x:50000:alice\nbroken:x:x:alice\n"
IMAGE = Accounts(PASSWD, GROUP)


@pytest.mark.parametrize(
    ("security", "image_user", "user", "groups"),
    [
        # Merge, a group named: the engine would leave the image's groups out.
        (Security(user="1000:3000", groups=[4000]), "", "1000:3000", [4000, 10, 50000]),
        (Security(user="0:3000"), "", "0:3000", [10]),
        (Security(user="4711:3000"), "", "4711:3000", []),
        # Strict, no group named: the engine would add the image's groups.
        (Security(user="1000", groups=[4000], strict_groups=True), "", "1000:100", [4000]),
        (Security(user="4711", strict_groups=True), "", "4711:0", []),
        (Security(strict_groups=True), "alice", "alice:100", []),
        (Security(strict_groups=True), "", "0:0", []),
        (Security(strict_groups=True), "alice:wheel", "alice:wheel", []),
        (Security(user="bob", strict_groups=True), "", "bob:0", []),
    ],
)
def test_groups_are_those_of_the_policy(security: Security, image_user: str, user: str, groups: list[int]) -> None:
    assert needs_accounts(security)
    found = with_groups(security, IMAGE, image_user)
    assert (found.user, list(found.groups)) == (user, groups)


@pytest.mark.parametrize(
    "security", [Security(), Security(user="1000"), Security(user="1000:3000", strict_groups=True)]
)
def test_mostly_the_engine_does_the_right_thing_itself(security: Security) -> None:
    assert not needs_accounts(security)
