#!/bin/sh
# Writes the static library that is installed: as built, but what is ours alone is called cv__NAME, so
# that it never meets a name of the program it is linked into.  Objects and their sections stay as they
# are, so a linker still drops what is not used; link-time code, which knows the old names, goes.
#   private_names.sh NM OBJCOPY FROM TO
# SPDX-License-Identifier: Apache-2.0
set -eu
nm=$1 objcopy=$2 from=$3 to=$4
trap 'rm -f "$to.plain" "$to.names"' EXIT
"$objcopy" --wildcard --remove-section '.gnu.lto_*' --remove-section '.gnu.debuglto_*' "$from" "$to.plain"
"$nm" --defined-only --extern-only --format=posix "$to.plain" |
    awk 'NF >= 3 && $1 !~ /^cv_/ { print $1, "cv__" $1 }' | sort -u >"$to.names"
"$objcopy" --redefine-syms="$to.names" "$to.plain" "$to"
