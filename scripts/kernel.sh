#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Gets Debian's cloud kernel once per machine, for the test machine that qemu boots (tests/machines), and prints the
# folder that holds it: boot/vmlinuz-… and lib/modules/…. The package is only unpacked: this machine's own boot stays as
# it is. One of any version is enough; without one apt downloads the newest (27 MB).
set -eu
me=kernel
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/cache.sh
. "$here/cache.sh"
cache_open
whole() {
    for k in "$cache"/kernel-*/manifest; do
        k=${k%/manifest}
        ! cache_usable "$k" || { echo "$k"; return 0; }
    done
    return 1
}
! whole || exit 0

exec 9>"$cache/kernel.lock"; flock 9
! whole || exit 0
package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
[ -n "$package" ] || cache_refuse "apt knows no linux-image-cloud-amd64" "run apt-get update, on an amd64 Debian"
echo "kernel: getting $package (27 MB, once per machine)" >&2
new=$cache/kernel-new
rm -rf "$new"; mkdir -p "$new"
(cd "$new" && apt-get download -q "$package" >&2)
sum=$(sha256sum "$new"/*.deb | cut -c1-16)
dpkg-deb -x "$new"/*.deb "$new/files"
out=$cache/kernel-$sum
rm -rf "$out"; mv "$new/files" "$out"; rm -rf "$new"
find "$out" ! -type l -perm /022 -exec chmod go-w {} +
cache_seal "$out"
echo "$out"
