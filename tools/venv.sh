#!/bin/sh
# The virtual environment, with podling and everything that it and its tests need. `venv.sh FOLDER`
set -eu
venv=$1
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "podling needs Python 3.11 or newer as $python; \`make PYTHON=python3.12 …\` names another one" >&2
    exit 1
fi
if [ ! -x "$venv/bin/pip" ]; then
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            echo "Python's venv module is missing; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2
            exit 1
        fi
        echo "Python has no venv module here: installing Debian's (apt-get install python3-venv) …"
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq install -y --no-install-recommends python3-venv >/dev/null 2>&1 ||
            { apt-get -qq update && apt-get -qq install -y --no-install-recommends python3-venv >/dev/null; }
    fi
    echo "Making the virtual environment $venv …"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
echo "Installing podling and what it needs into $venv (a minute or two) …"
"$venv/bin/pip" install -q --disable-pip-version-check -e '.[dev]'
# Now, so that the first `podling up` need not: half a second, and again at each start where Python may not write it down.
"$venv/bin/python" -m compileall -q apiserver controllers kubelet podling scheduler store
