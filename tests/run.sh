#!/usr/bin/env bash
# Builds adlib and runs its unit and golden tests. Budget: 10 minutes on 2 cores.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/packages.sh
. .ci/packages.sh
SECONDS=0
budget=600

cat <<TEXT
This will, in $PWD:
  1. install the packages that adlib builds with, if some are missing;
  2. build the library, the tool, the examples and the tests into build/release;
  3. run the tests labelled unit and golden. Tests that need ../shared are skipped by name where it is missing.
Budget: 10 minutes on 2 cores.

TEXT

echo "==> 1. packages"
adlib_install "${adlib_packages[@]}"

echo "==> 2. build"
mapfile -t arguments < <(adlib_configure_arguments)
[ ! -f build/release/CMakeCache.txt ] || arguments=()  # a configured tree keeps its generator
cmake --preset release "${arguments[@]}" "$@"
cmake --build --preset release -j "$(nproc)"
echo "    built after $SECONDS s"

echo "==> 3. tests"
status=0
ctest --test-dir build/release -L 'unit|golden' -j "$(nproc)" --output-on-failure || status=$?
echo "Tests took until $SECONDS s of $budget."
[ $SECONDS -le $budget ] || echo "Over the budget of $budget s."
exit $status
