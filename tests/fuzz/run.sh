#!/usr/bin/env bash
# Runs each fuzz target, or the one that is named, for so many seconds: run.sh SECONDS [TARGET]. With 2000x in place of the
# seconds, for so many inputs, which are the same ones every time: what a test may do, where a search for new faults may not.
#
# A nightly compiler must be there already: none is ever downloaded. cargo-fuzz, the build and what the runs find to be worth
# keeping stay in the cache, so that only the first run pays for them. Where that cannot be had it says so and is no failure.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
targets=${2:-telemetry_batches log_lines headers env_files secret_references otlp_bodies}
cache=${LAMBDAVIEW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lambdaview}/fuzz
export RUSTUP_AUTO_INSTALL=0 PATH="$PATH:$cache/bin" CARGO_TARGET_DIR="$cache/target"

skip() {
  echo "SKIPPED fuzz: $*" >&2
  exit 0
}

command -v rustup >/dev/null || skip "no rustup, so no nightly compiler"
nightly=$(rustup toolchain list | grep -o '^nightly[^ ]*' | head -n 1) || skip "no nightly compiler (rustup toolchain install nightly)"
command -v c++ >/dev/null || skip "no C++ compiler for libFuzzer"
mkdir -p "$cache"
if ! command -v cargo-fuzz >/dev/null; then
  cargo install --quiet --locked --root "$cache" --version 0.13.2 cargo-fuzz || skip "cargo-fuzz cannot be installed"
fi

# The versions that are shipped are those that are tried.
host=$(rustc "+$nightly" -vV | sed -n "s/^host: //p")
cp ../../Cargo.lock Cargo.lock
cargo "+$nightly" fmt --check || { echo "fuzz: run cargo fmt in tests/fuzz" >&2; exit 1; }
cargo "+$nightly" fetch --quiet || skip "its crates cannot be fetched"
# No sanitizer: there is no unsafe code to find faults in, and without one a run tries twice as much.
fuzz() { cargo "+$nightly" fuzz "$1" --fuzz-dir . --sanitizer none --debug-assertions "${@:2}"; }
fuzz build

status=0
for target in $targets; do
  mkdir -p "$cache/corpus/$target" "$cache/found/$target"
  echo "fuzz $target for ${seconds/%x/ inputs}"
  known="$cache/corpus/$target"
  limit="-max_total_time=$seconds"
  if [[ $seconds == *x ]]; then
    known=$(mktemp -d)
    limit="-runs=${seconds%x} -seed=1"
  fi
  log="$cache/$target.log"
  # shellcheck disable=SC2086  # two options
  if "$cache/target/$host/release/$target" "$known" "corpus/$target" \
    $limit -max_len=4096 -timeout=20 -rss_limit_mb=2048 -dict=words.dict \
    -artifact_prefix="$cache/found/$target/" -print_final_stats=1 >"$log" 2>&1; then
    grep -o 'number_of_executed_units.*' "$log" || true
  else
    status=1
    echo "fuzz $target found a fault; the input is in $cache/found/$target, the whole log in $log:" >&2
    grep -v "^#" "$log" | grep -E "panicked at|ERROR|Test unit written" -A 4 | cut -c 1-2000 >&2
  fi
done
exit "$status"
