# The Debian and Ubuntu packages that adlib builds with. Sourced by examples/quickstart.sh, tests/run.sh and .ci/run.
# shellcheck shell=bash disable=SC2034
adlib_packages=(cmake ninja-build g++ pkg-config libeigen3-dev nlohmann-json3-dev libpcre2-dev libutf8proc-dev
                libicu-dev libsentencepiece-dev libxxhash-dev libcli11-dev libtomlplusplus-dev libsqlite3-dev
                libcurl4-openssl-dev libssl-dev catch2 libbenchmark-dev)

# Installs the packages named that are missing: apt-get, without questions, through sudo unless root.
adlib_install() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    echo "    all packages are there"
    return 0
  fi
  echo "    apt-get install ${missing[*]}"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The newest clang that is known to be fit for the sanitizers and libFuzzer; nothing, and status 1, without one.
adlib_clang() { command -v clang++-14 || command -v clang++; }

# Arguments for cmake's configure step: Ninja where it is, ccache where it is.
adlib_configure_arguments() {
  if command -v ninja >/dev/null; then printf '%s\n' -G Ninja; fi
  if command -v ccache >/dev/null; then printf '%s\n' -DCMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
}
