#!/bin/sh
# hello-pod from nothing: an engine, an image, a cluster, a pod, its page. `demo.sh BIN`; run again, it works again.
set -eu
podling=$1/podling
manifest=examples/hello-pod.yaml
name=${PODLING_NAME:-c1}

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || step() { printf '\n%s\n' "$*"; }

step "1. The image"
"$podling" image nigelpoulton/k8sbook:1.0

step "2. The cluster"
"$podling" up --name "$name"

step "3. kubectl apply -f $manifest"
"$podling" kubectl apply -f "$manifest"

step "4. Waiting until the pod is Ready"
if ! "$podling" kubectl wait --for=condition=Ready pod/hello-pod --timeout=60s; then
    "$podling" kubectl describe pod hello-pod
    exit 1
fi

step "5. kubectl get pods -o wide"
"$podling" kubectl get pods -o wide

ip=$("$podling" kubectl get pod hello-pod -o 'jsonpath={.status.podIP}')
step "6. The page at http://$ip:8080/"
"$1/python" - "http://$ip:8080/" <<'PYTHON'
import sys, time, urllib.error, urllib.request

for attempt in range(50):
    try:
        print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())
        break
    except (urllib.error.URLError, OSError) as error:
        if attempt == 49:
            sys.exit(f"{sys.argv[1]}: {error}")
        time.sleep(0.1)
PYTHON

step "The cluster stays up. Try next:"
if command -v kubectl >/dev/null; then kubectl=kubectl; else kubectl="$podling kubectl"; fi
cat <<NEXT
    $kubectl get pods --watch
    $kubectl describe pod hello-pod
    $kubectl logs hello-pod
    $kubectl exec -it hello-pod -- sh    # then: ps aux; curl localhost:8080
    $kubectl explain pod.spec.restartPolicy
    docker ps                # the pod as Docker sees it
    $podling status
    $podling down            # "up" brings it back, "down --delete" forgets it
NEXT
