#!/bin/sh
# Files as C: what a program carries in itself.
#   packaging/embed.sh HEADER NAME FILE... >out.c      NAME: the table, of struct page_file
# SPDX-License-Identifier: Apache-2.0
set -eu
header=$1 table=$2
shift 2
printf '/* Made by packaging/embed.sh. */\n#include "%s"\n\n' "$header"
i=0
for file; do
    printf 'static const unsigned char file_%d[] = {\n' $i
    od -An -v -tx1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
    printf '};\n'
    i=$((i + 1))
done
printf '\nconst struct page_file %s[] = {\n' "$table"
i=0
for file; do
    printf '    {"%s", file_%d, sizeof(file_%d)},\n' "$(basename "$file")" $i $i
    i=$((i + 1))
done
printf '    {0, 0, 0},\n};\n'
