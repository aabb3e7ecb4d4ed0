#!/bin/sh
# What the tests need beside Python: a Docker engine with a few images, and a real etcd to compare with.
# Where this cannot be had the tests that need it are skipped, and say why. `prepare-tests.sh BIN`
set -u
bin=$1
images="busybox nigelpoulton/k8sbook:1.0 nigelpoulton/web-app:1.0 nginx k8s.gcr.io/git-sync:v3.1.6"

# shellcheck disable=SC2086
"$bin/podling" image $images || echo "Going on without: tests that need Docker will be skipped."

if ! command -v etcd >/dev/null || ! command -v etcdctl >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing a real etcd to compare with (apt-get install etcd-server etcd-client) …"
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq install -y --no-install-recommends etcd-server etcd-client >/dev/null 2>&1 ||
            { apt-get -qq update && apt-get -qq install -y --no-install-recommends etcd-server etcd-client >/dev/null; } ||
            echo "Going on without etcd: tests that compare with it will be skipped."
        # Debian starts it as a service; the tests start their own.
        [ -d /run/systemd/system ] && systemctl disable --now etcd >/dev/null 2>&1
    else
        echo "No etcd here, and no root to install it: tests that compare with it will be skipped."
    fi
fi
exit 0
