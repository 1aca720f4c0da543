# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Folders that are made once per machine and used by every checkout (~/.cache/outlayer): how they are sealed when they are
# whole, and checked before each use. Sourced by engine.sh, guest.sh and kernel.sh, which set `me` to the word their errors begin with.
#   manifest   type, mode, path and link target of all that is in the folder, then the SHA-256 of each file: the same
#              contents give the same text on every machine, whatever their times and owners are
#   .whole     the manifest's SHA-256; written last
# Whatever is done to a file afterwards makes its inode younger than .whole, which costs one look at each inode to see;
# only then are the contents read again. Nobody but its maker and root may have been able to write.
umask 022
: "${me:?}"

cache=${OUTLAYER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outlayer}

cache_refuse() { # SENTENCE WHAT-TO-DO
    echo "$me: $1" >&2
    echo "$me: $2" >&2
    exit 2
}

# The cache folder, and that nobody else can put another in its place.
cache_open() {
    mkdir -p "$cache"
    cache=$(cd "$cache" && pwd -P)
    parent=$cache
    while [ "$parent" != / ]; do
        set -- "$@" "$parent"
        parent=$(dirname "$parent")
    done
    # In a folder like /tmp others can make names, but not take away ours.
    open=$(find "$@" -maxdepth 0 -perm /022 \( ! -perm -1000 -o -path "$cache" \) | tail -n 1)
    [ -z "$open" ] || cache_refuse "'$open' can be written by others, who could change the toolchains in '$cache'" \
        "take that right away (chmod go-w '$open'), or name another folder as OUTLAYER_CACHE"
    foreign=$(find "$@" -maxdepth 0 ! -user 0 ! -user "$(id -u)" | tail -n 1)
    [ -z "$foreign" ] || cache_refuse "'$foreign' belongs to somebody else, who could change the toolchains in '$cache'" \
        "name a folder of your own as OUTLAYER_CACHE, in folders of your own or root's"
}

cache_manifest() { # FOLDER
    (
        cd "$1" || exit 2
        find . -mindepth 1 ! -path ./manifest ! -path ./.whole -printf '%y %m %P\t%l\n' | LC_ALL=C sort
        find . -mindepth 1 ! -path ./manifest ! -path ./.whole -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum --
    )
}

cache_seal() { # FOLDER: it is whole
    cache_manifest "$1" > "$1/manifest"
    sha256sum < "$1/manifest" | cut -c1-64 > "$1/.whole.new"
    mv "$1/.whole.new" "$1/.whole"
    touch "$1/.whole" # no inode of the folder is younger
}

# Reads everything again. FOLDER
cache_check() {
    now=$(mktemp)
    cache_manifest "$1" > "$now"
    if ! cmp -s "$now" "$1/manifest" || [ "$(sha256sum < "$now" | cut -c1-64)" != "$(cat "$1/.whole")" ]; then
        what=$(diff "$1/manifest" "$now" 2>/dev/null | sed -n 's/^[<>] //p' | head -n 1 | tr '\t' ' ')
        rm -f "$now"
        cache_refuse "'$1' is not as it was made${what:+ ($what)}" "remove the folder (rm -rf '$1'), then run make toolchains to make it anew"
    fi
    rm -f "$now"
    touch -c "$1/.whole" 2>/dev/null || true # for whoever may not, each use reads everything
}

# Whether the folder is there and whole; refuses one that others could have written or that has been changed. FOLDER
cache_usable() {
    [ -e "$1/.whole" ] || return 1
    bad=$(find "$1" \( ! -user 0 ! -user "$(id -u)" -o ! -type l -perm /022 \) -print -quit)
    [ -z "$bad" ] || cache_refuse "'$bad' belongs to somebody else or can be written by others" \
        "remove the folder (rm -rf '$1'), then run make toolchains to make it anew"
    if [ "$(sha256sum < "$1/manifest" | cut -c1-64)" != "$(cat "$1/.whole")" ] || [ -n "$(find "$1" -newercc "$1/.whole" -print -quit)" ]; then
        cache_check "$1"
    fi
}
