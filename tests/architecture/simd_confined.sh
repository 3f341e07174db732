#!/usr/bin/env bash
# simd_confined.sh LIBRARY: wide registers stand only in the objects compiled for them, and those objects define no
# function that the linker may choose for the whole program (an inline function of std compiled with AVX-512 would
# crash older processors).
set -euo pipefail
library=$1
[[ $library == *.a ]] || { echo "SKIPPED: $library is no static library"; exit 0; }
[ "$(uname -m)" = x86_64 ] || { echo "SKIPPED: not an x86-64 machine"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" && ar x "$library"
failed=0
seen=0
for object in *.o; do
  # Functions in sections of their own that other objects may define too: "W" and "V" in nm's words.
  case $object in
    *_avx512*|*_avx2*)
      seen=$((seen + 1))
      if nm -C "$object" | grep -E ' [WVu] '; then echo "$object defines functions for the whole program"; failed=1; fi ;;&
    *_avx512*) ;;
    *) if objdump -d "$object" | grep -m1 '%zmm'; then echo "$object uses zmm registers"; failed=1; fi ;;
  esac
done
[ $seen -ge 4 ] || { echo "expected at least 4 objects of hand-written kernels, found $seen"; failed=1; }
[ $failed -eq 0 ] && echo "checked $(ls ./*.o | wc -l) objects, $seen of them hand-written kernels"
exit $failed
