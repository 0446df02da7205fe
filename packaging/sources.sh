#!/bin/bash
# Fetches the source packages that the firmware is built from, by apt and checked by it, from wherever this machine
# has its packages; the machine's own lists stay as they are.
#   packaging/sources.sh FOLDER PACKAGE...        leaves FOLDER/PACKAGE
# SPDX-License-Identifier: Apache-2.0
set -eu
folder=$1
shift
mkdir -p "$folder"
folder=$(realpath "$folder")

want=
for package in "$@"; do [ -d "$folder/$package" ] || want="$want $package"; done
[ -n "$want" ] || exit 0

apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/cache"
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
    sed 's/^/deb-src /' >"$apt/sources.list"
[ -s "$apt/sources.list" ] || { echo "error: apt knows no Debian packages here: apt-get update first" >&2; exit 1; }
cat >"$apt/apt.conf" <<END
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
END
export APT_CONFIG=$apt/apt.conf
if ! { apt-get update && cd "$apt" && apt-get source --only-source $want; } >"$apt/log" 2>&1; then
    tail -n 20 "$apt/log" >&2
    echo "error: apt has no sources of:$want" >&2
    exit 1
fi
for package in $want; do mv "$apt/$package"-*/ "$folder/$package"; done
