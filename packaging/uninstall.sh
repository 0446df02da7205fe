#!/bin/sh
# Takes back what `make install` put, by the list that it left, and then the directories that are only ours.
#   packaging/uninstall.sh BUILD_DIR        DESTDIR as for make install
# SPDX-License-Identifier: Apache-2.0
set -eu
list=$1/install_manifest.txt
if [ ! -r "$list" ]; then
    echo "error: $list is not there, so it is not known what was installed: run make install with the same PREFIX first" >&2
    exit 1
fi
{ cat "$list"; echo; } | while IFS= read -r file; do # the last line has no end
    [ -n "$file" ] || continue
    rm -f -- "${DESTDIR:-}$file"
    dir=$(dirname -- "${DESTDIR:-}$file")
    case $dir in */culvert) rmdir -- "$dir" 2>/dev/null || true ;; esac
done
