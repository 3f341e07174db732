#!/usr/bin/env bash
# simd_confined_test.sh COMPILER: simd_confined.sh passes a library that is in order and finds each thing that is not.
set -euo pipefail
compiler=$1
check=$(dirname "$(realpath "$0")")/simd_confined.sh
[ "$(uname -m)" = x86_64 ] || { echo "SKIPPED: not an x86-64 machine"; exit 0; }
command -v objdump >/dev/null || { echo "SKIPPED: objdump is not installed"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir simd other objects
cat > loop.cpp <<'END'
void add(float* y, const float* x, long n) { for (long i = 0; i < n; ++i) y[i] += x[i]; }
END
cat > weak.cpp <<'END'
inline int shared(int x) { return x + 1; }
int (*pointer)(int) = shared;
END

object() { "$compiler" -O3 "${@:3}" -c "$2" -o "objects/$1.cpp.o"; }  # NAME SOURCE FLAGS…
archive() { rm -f lib.a && ar rcs lib.a objects/*.o "$@"; }
expect() {  # passes|WORDS TITLE
  if "$check" lib.a simd > out 2>&1; then outcome=passes; else outcome=$(cat out); fi
  [[ $outcome == *"$1"* ]] || { echo "$2: expected '$1', got: $(cat out)"; exit 1; }
}

touch simd/add_avx2.cpp simd/add_avx512.cpp simd/add_vnni.cpp simd/add_bf16.cpp
wide=(-mavx512f -mavx512vl -mprefer-vector-width=512)
object plain loop.cpp
object add_avx2 loop.cpp -mavx2
for level in avx512 vnni bf16; do object add_$level loop.cpp "${wide[@]}"; done
archive && expect passes "a library in order"

object plain loop.cpp "${wide[@]}"
archive && expect "plain.cpp.o needs AVX" "AVX-512 in a plain object"
object plain loop.cpp -mavx
archive && expect "plain.cpp.o needs AVX" "AVX in a plain object"
object plain loop.cpp
object add_bf16_baseline loop.cpp "${wide[@]}"
archive && expect "add_bf16_baseline.cpp.o needs AVX" "a level that is not the last part of the name"
rm objects/add_bf16_baseline.cpp.o
object other_avx512 loop.cpp "${wide[@]}"
archive && expect "other_avx512.cpp.o needs AVX" "a file of another folder"
rm objects/other_avx512.cpp.o

# Two members of one name: neither hides the other.
"$compiler" -O3 "${wide[@]}" -c loop.cpp -o other/plain.cpp.o
rm -f lib.a && ar qcs lib.a other/plain.cpp.o objects/*.o && expect "plain.cpp.o needs AVX" "the first of two members"
rm -f lib.a && ar qcs lib.a objects/*.o other/plain.cpp.o && expect "plain.cpp.o needs AVX" "the second of two members"

object add_avx2 loop.cpp "${wide[@]}"
archive && expect "add_avx2.cpp.o needs AVX-512" "AVX-512 in an AVX2 object"
object add_avx2 weak.cpp -mavx2
archive && expect "add_avx2.cpp.o defines a function for the whole program" "an inline function in an AVX2 object"
rm objects/add_avx2.cpp.o
archive && expect "expected add_avx2.cpp.o" "a missing object"
echo "found every fault"
