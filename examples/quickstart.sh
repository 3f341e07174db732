#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 machine to personalised copy. Budget: 10 minutes on 2 cores.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/packages.sh
. .ci/packages.sh
SECONDS=0

cat <<TEXT
This will, in $PWD:
  1. install the packages that adlib builds with (apt-get, through sudo unless you are root);
  2. build the command-line tool into build/release;
  3. write copy for the demonstration shop of examples/copywriter/demo, in Chinese and in English, with the model that
     comes with adlib.
Budget: 10 minutes on 2 cores.

TEXT

echo "==> 1. packages"
adlib_install "${adlib_packages[@]}"

echo "==> 2. build"
mapfile -t arguments < <(adlib_configure_arguments)
[ ! -f build/release/CMakeCache.txt ] || arguments=()  # a configured tree keeps its generator
cmake --preset release "${arguments[@]}"
cmake --build --preset release --target adlib_tool -j "$(nproc)"
adlib=build/release/bin/adlib

demo=examples/copywriter/demo
declare -A product=([zh]=jinggu-q2 [en]=fernway-trail-3)  # one for each, so that three customers fit the screen
for language in zh en; do
  { head -n 1 "$demo/products.csv" && grep "^${product[$language]}," "$demo/products.csv"; } >build/quickstart-product.csv
  write=("$adlib" write --products build/quickstart-product.csv --customers "$demo/customers.jsonl"
         --language "$language" --limit 3)
  echo "==> 3. copy ($language): ${write[*]}"
  "${write[@]}"
done
cat <<TEXT

Done in $SECONDS s of 600. Each line above is one copy: "prompt" is what the model was told about the customer and the
product, "text" is what adlib's own small model wrote; --model takes any GPT-2, Llama or Qwen2 directory in its place. The
second command is tests/run.sh.
TEXT
