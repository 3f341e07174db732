#!/bin/sh
# Installs a build of adlib and uses it as others will: find_package, pkg-config, FetchContent.
# Usage: tests/consumer.sh BUILD_DIR [WORK_DIR]     (WORK_DIR is kept; without it a temporary one is removed)
# Prints one line a route; exits 0 when all three print the expected number.
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: $0 BUILD_DIR [WORK_DIR]" >&2
  exit 2
fi
source_dir=$(cd "$(dirname "$0")/.." && pwd)
build_dir=$(cd "$1" && pwd)
if [ $# -eq 2 ]; then
  mkdir -p "$2"
  work_dir=$(cd "$2" && pwd)
else
  work_dir=$(mktemp -d)
  trap 'rm -rf "$work_dir"' EXIT
fi
log=$work_dir/log
: >"$log"

run() {  # silent unless it fails
  if ! "$@" >>"$log" 2>&1; then
    echo "failed: $*" >&2
    tail -n 40 "$log" >&2
    exit 1
  fi
}
expect() {  # route program
  got=$("$2")
  if [ "$got" != "$expected" ]; then
    echo "$1: the consumer printed '$got', expected '$expected'" >&2
    exit 1
  fi
  echo "$1: ok"
}
expected=$(sed -n 's|.*// \([0-9.]*\)$|\1|p' "$source_dir/examples/consumer/main.cpp")

# The tree is moved after it is installed: nothing in it may name the place where it was.
run cmake --install "$build_dir" --prefix "$work_dir/first"
rm -rf "$work_dir/installed"
mv "$work_dir/first" "$work_dir/installed"
prefix=$work_dir/installed
if grep -rIl -e "$source_dir" -e "$build_dir" -e "$work_dir/first" "$prefix" >&2; then
  echo "the files above name the build's own directories" >&2
  exit 1
fi
library_dir=$(dirname "$(find "$prefix" -name adlib.pc)")/..
LD_LIBRARY_PATH=$library_dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}  # for the plain g++ program and a shared adlib
export LD_LIBRARY_PATH

run cmake -S "$source_dir/examples/consumer" -B "$work_dir/find_package" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_BUILD_TYPE=Release
run cmake --build "$work_dir/find_package"
expect find_package "$work_dir/find_package/consumer"

PKG_CONFIG_PATH=$library_dir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
cxx=${CXX:-c++}
flags=$(pkg-config --cflags adlib)
run sh -c "$cxx -std=c++20 -O1 $flags '$source_dir/examples/consumer/main.cpp' \$(pkg-config --libs adlib) \
  -o '$work_dir/consumer'"
expect pkg-config "$work_dir/consumer"
# A consumer needs none of the libraries that adlib is built with.
if $cxx -std=c++20 $flags -M "$source_dir/examples/consumer/main.cpp" |
  grep -E 'Eigen|nlohmann|sentencepiece|pcre2|utf8proc|unicode/u|CLI11'; then
  echo "adlib/adlib.h reaches the headers above" >&2
  exit 1
fi
if [ -x "$prefix/bin/adlib" ]; then
  run env -u LD_LIBRARY_PATH "$prefix/bin/adlib" --version
fi

run cmake -S "$source_dir/examples/consumer" -B "$work_dir/fetch_content" -DCONSUMER_FETCH=ON \
  -DFETCHCONTENT_SOURCE_DIR_ADLIB="$source_dir" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8 \
  -DBUILD_SHARED_LIBS="$(sed -n 's/^BUILD_SHARED_LIBS:[A-Z]*=//p' "$build_dir/CMakeCache.txt" | grep . || echo OFF)" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(sed -n 's/^CMAKE_CXX_COMPILER_LAUNCHER:[A-Z]*=//p' "$build_dir/CMakeCache.txt")"
run cmake --build "$work_dir/fetch_content" --parallel "$(nproc)"
fetched=$(find "$work_dir/fetch_content" -name consumer -type f)
expect FetchContent "$fetched"
