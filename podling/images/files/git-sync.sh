#!/bin/sh
# Plays k8s.gcr.io/git-sync v3: follows a branch of a repository into GIT_SYNC_ROOT, where the link GIT_SYNC_DEST always
# points at one whole revision; it is switched in one step. Settings are v3's environment variables.
set -u
repo=${GIT_SYNC_REPO:?must be specified}
branch=${GIT_SYNC_BRANCH:-master}
rev=${GIT_SYNC_REV:-HEAD}
depth=${GIT_SYNC_DEPTH:-0}
root=${GIT_SYNC_ROOT:-/tmp/git}
dest=${GIT_SYNC_DEST:-$(basename "$repo" .git)}
wait=${GIT_SYNC_WAIT:-1}
once=${GIT_SYNC_ONE_TIME:-false}
most_failures=${GIT_SYNC_MAX_SYNC_FAILURES:-0}
permissions=${GIT_SYNC_PERMISSIONS:-0}
export HOME=/tmp GIT_TERMINAL_PROMPT=0
shallow=
[ "$depth" = 0 ] || shallow="--depth $depth"

say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

sync_once() {
    if [ ! -d "$root/.git" ]; then
        say "cloning repo origin=$repo path=$root"
        mkdir -p "$root" && git init -q "$root" && git -C "$root" remote add origin "$repo" || return 1
    fi
    # shellcheck disable=SC2086
    git -C "$root" fetch -q $shallow origin "$branch" || return 1
    if [ "$rev" = HEAD ]; then wanted=FETCH_HEAD; else wanted=$rev; fi
    hash=$(git -C "$root" rev-parse --verify -q "$wanted^{commit}") || { say "no such revision $rev"; return 1; }
    [ "$(readlink "$root/$dest")" = "rev-$hash" ] && [ -d "$root/rev-$hash" ] && return 0
    rm -rf "$root/rev-$hash" && git -C "$root" worktree prune
    git -C "$root" worktree add -q --detach "$root/rev-$hash" "$hash" || return 1
    [ "$permissions" = 0 ] || chmod -R "$permissions" "$root/rev-$hash"
    old=$(readlink "$root/$dest")
    ln -s "rev-$hash" "$root/.$dest.new" && mv -T "$root/.$dest.new" "$root/$dest" || return 1
    say "syncing to $branch hash=$hash"
    case "$old" in rev-*) rm -rf "${root:?}/$old"; git -C "$root" worktree prune ;; esac
}

trap 'exit 0' TERM INT
failures=0
while :; do
    if sync_once; then
        failures=0
        [ "$once" = true ] && exit 0
    else
        failures=$((failures + 1))
        say "sync failed failures=$failures"
        if [ "$failures" -gt "$most_failures" ] && [ "$most_failures" != -1 ]; then exit 1; fi
    fi
    sleep "$wait" &
    wait $!
done
