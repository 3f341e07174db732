#!/usr/bin/env bash
# simd_confined.sh LIBRARY FOLDER: instructions of AVX and later stand only in the objects compiled for them, those of
# the files FOLDER/*_LEVEL.cpp, and those objects define no function that the linker may choose for the whole program
# (an inline function of std compiled with AVX-512 would crash older processors).
set -euo pipefail
library=$1
folder=$2
[[ $library == *.a ]] || { echo "SKIPPED: $library is no static library"; exit 0; }
[ "$(uname -m)" = x86_64 ] || { echo "SKIPPED: not an x86-64 machine"; exit 0; }
command -v objdump >/dev/null || { echo "SKIPPED: objdump is not installed"; exit 0; }

files=$(cd "$folder" && ls ./*_avx2.cpp ./*_avx512.cpp ./*_vnni.cpp ./*_bf16.cpp 2>/dev/null | cut -c 3-) || true

# The members are read in place, since several may have one name. Both programs are read to their end: a pipe closed
# early would fail under pipefail and look as if nothing had been found.
objdump -d --no-show-raw-insn "$library" | awk -v files="$files" '
  BEGIN { count = split(files, names, "\n"); for (i = 1; i <= count; ++i) level[names[i] ".o"] = 1 }
  / file format / {
    object = $1; sub(/:$/, "", object); ++objects; reported = 0
    hand = object in level; narrow = object ~ /_avx2\.cpp\.o$/
    if (hand) seen[object] = 1
    next
  }
  reported || (hand && !narrow) { next }
  # EVEX-encoded: registers and masks that AVX2 lacks. VEX-encoded: any v… on vector registers.
  /%zmm|%[xy]mm(1[6-9]|2[0-9]|3[01])|%k[0-7]/ { print object " needs AVX-512: " $0; failed = reported = 1; next }
  !hand && /:\tv[a-z0-9]+ .*%[xy]mm/ { print object " needs AVX: " $0; failed = reported = 1 }
  END {
    for (object in level) if (!(object in seen)) { print "expected " object " in the library"; failed = 1 }
    if (count == 0) { print "expected files of hand-written kernels in the folder"; failed = 1 }
    if (!failed) print "checked " objects " objects, " count " of them hand-written kernels"
    exit failed
  }'

# Functions in sections of their own that other objects may define too: "W", "V" and "u" in the words of nm.
nm -C "$library" 2>/dev/null | awk -v files="$files" '
  BEGIN { count = split(files, names, "\n"); for (i = 1; i <= count; ++i) level[names[i] ".o"] = 1 }
  /\.o:$/ { object = $1; sub(/:$/, "", object); next }
  object in level && / [WVu] / { print object " defines a function for the whole program: " $0; failed = 1 }
  END { exit failed }'
