#!/bin/bash
# What is installed is what somebody who embeds the library needs: headers that stand alone in C17 and
# C++17, no name that is not ours, and a program that builds with pkg-config and with CMake, against
# the static and the shared library.
#   BUILD=build tests/embed.sh
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
bad=0
say() { echo "embed: $*"; bad=1; }

cmake --install "$BUILD" --prefix "$at/usr" >"$at/log" 2>&1 || { tail -n 5 "$at/log"; exit 1; }
lib=$(dirname "$(find "$at/usr" -name libculvert.a)")

for header in "$at"/usr/include/culvert/*.h; do
    gcc -std=c17 -pedantic-errors -Wall -Wextra -Wconversion -Werror -I"$at/usr/include" -fsyntax-only -x c "$header" ||
        say "C17: $header"
    clang -std=c++17 -pedantic-errors -Wall -Wextra -Werror -Wno-unused-function -I"$at/usr/include" -fsyntax-only \
        -x c++ "$header" || say "C++17: $header"
    grep -q 'extern "C" {' "$header" || say "no extern \"C\": $header"
done

# nm prints the names that a file defines for others.
names() { nm "$@" | awk 'NF >= 3 { print $1 }' | sort -u; }
static=$(names --defined-only --extern-only --format=posix "$lib/libculvert.a")
shared=$(names --dynamic --defined-only --extern-only --format=posix "$lib/libculvert.so")
for name in cv_engine_init cv_sa_seal cv_version; do
    echo "$static" | grep -qx "$name" || say "libculvert.a has no $name"
    echo "$shared" | grep -qx "$name" || say "libculvert.so has no $name"
done
others=$(printf '%s\n%s\n' "$static" "$shared" | grep -v '^cv_')
[ -z "$others" ] || say "names that are not ours:" $others
inner=$(echo "$shared" | grep '^cv__')
[ -z "$inner" ] || say "the shared library shows its inside:" $inner

# runs PROGRAM: the example, and the version of what it runs with.
runs() { LD_LIBRARY_PATH=$lib "$1" | grep -q 'opened: 21.5 C' || say "$1 does not run"; }
export PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_LIBDIR=$lib/pkgconfig:$(pkg-config --variable pc_path pkg-config)
flags="--define-variable=prefix=$at/usr"
gcc -std=c17 examples/manual_keys.c $(pkg-config $flags --cflags --libs culvert) -o "$at/shared" && runs "$at/shared" ||
    say "pkg-config, shared"
ldd "$at/shared" | grep -q libculvert || say "the shared example has no libculvert"
gcc -std=c17 -Wl,--gc-sections examples/manual_keys.c $(pkg-config $flags --cflags culvert) "$lib/libculvert.a" \
    $(pkg-config --libs libcrypto) -o "$at/static" && runs "$at/static" || say "pkg-config, static"
nm "$at/static" | grep -q ' cv_engine_init$' && say "the linker keeps what the static example does not use"

cat >"$at/CMakeLists.txt" <<C
cmake_minimum_required(VERSION 3.18)
project(user LANGUAGES C)
find_package(culvert $(pkg-config --modversion culvert) REQUIRED)
foreach(kind culvert static)
  add_executable(user_\${kind} $PWD/examples/manual_keys.c)
  target_link_libraries(user_\${kind} PRIVATE culvert::\${kind})
endforeach()
C
if cmake -S "$at" -B "$at/b" -DCMAKE_PREFIX_PATH="$at/usr" >"$at/log" 2>&1 && cmake --build "$at/b" >>"$at/log" 2>&1; then
    runs "$at/b/user_culvert"
    runs "$at/b/user_static"
else
    tail -n 20 "$at/log"
    say "find_package"
fi

cat >"$at/version.c" <<C
#include <culvert/version.h>
#include <stdio.h>
int main(void)
{
    return puts(cv_version()) < 0;
}
C
gcc "$at/version.c" -I"$at/usr/include" -L"$lib" -lculvert -o "$at/version"
said=$(LD_LIBRARY_PATH=$lib "$at/version")
[ "$said" = "$(pkg-config --modversion culvert)" ] || say "cv_version says $said, pkg-config $(pkg-config --modversion culvert)"
exit $bad
