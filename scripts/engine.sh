#!/usr/bin/env bash
# Fetches the embedded ClickHouse into the user's cache, once for all clones.
#
# What is fetched is pinned in engine.pins: the tarball is compared with npm's integrity and the library
# with its own hash before it gets its name, so that a library which is there is whole and is the right one.
# Cut off at any point it leaves nothing that the next run would use, and the next run removes what is left.
set -euo pipefail

say() { printf 'engine: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
machine=$(uname -m)
[ "$machine" != arm64 ] || machine=aarch64

# What is on this machine already, in the order of embedded.EnginePath.
if [ -n "${DAYBOOK_ENGINE:-}" ]; then
  [ -f "$DAYBOOK_ENGINE" ] || fail "DAYBOOK_ENGINE: there is no file $DAYBOOK_ENGINE"
  say "DAYBOOK_ENGINE says to use $DAYBOOK_ENGINE"
  exit 0
fi
if binary=$(command -v clickhouse); then
  found=$("$binary" local --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\.\([0-9]*\)\..*/\1 \2/p' | head -n 1) || found=
  read -r major minor <<<"${found:-0 0}"
  if [ "$major" -gt 26 ] || { [ "$major" -eq 26 ] && [ "$minor" -ge 7 ]; }; then
    say "using $binary (ClickHouse $major.$minor)"
    exit 0
  fi
  say "not using $binary, which is older than ClickHouse 26.7"
fi

package='' version='' integrity='' packed='' sha256='' unpacked=''
while read -r for_machine rest; do
  [ "$for_machine" = "$machine" ] || continue
  read -r package version integrity packed sha256 unpacked <<<"$rest"
done < <(grep -v '^#' "$here/engine.pins")
[ "$(uname -s)" = Linux ] && [ -n "$package" ] ||
  fail "no embedded ClickHouse is pinned for $(uname -s) on $machine; install ClickHouse 26.7 or newer so that clickhouse is on PATH"

case ${XDG_CACHE_HOME:-} in
  /*) cache=$XDG_CACHE_HOME/daybook/engine ;;
  *) cache=$HOME/.cache/daybook/engine ;;
esac
library=$cache/$version/libchdb.so

there() { [ "$(stat -c %s "$library" 2>/dev/null)" = "$unpacked" ]; }
if there; then
  say "ClickHouse $version is in $library"
  exit 0
fi

for tool in npm node tar sha256sum flock; do
  command -v "$tool" >/dev/null ||
    case $tool in
      npm | node) fail "npm is not installed, and it fetches the embedded ClickHouse; install Node.js 20 or newer with npm" ;;
      flock) fail "flock is not installed; install util-linux" ;;
      *) fail "$tool is not installed; install $tool" ;;
    esac
done
mkdir -p "$cache" || fail "cannot create $cache"

exec 9>"$cache/lock"
if ! flock -n 9; then
  say "another run is fetching it; waiting for that"
  flock 9
  if there; then
    say "ClickHouse $version is in $library"
    exit 0
  fi
fi
rm -rf "$cache"/.fetch-* # Left by a run that was killed; nobody else holds the lock.

# npm keeps a copy while it packs, and the library stands beside the tarball.
needed=$(((2 * packed + unpacked) / 1024 + 102400))
free=$(df -Pk "$cache" | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$needed" ] || fail "$cache needs $((needed / 1024)) MiB of free space while fetching, and has $((free / 1024))"

temp=$(mktemp -d "$cache/.fetch-XXXXXX")
fetching=
finish() {
  status=$?
  trap - EXIT INT TERM HUP
  [ -z "$fetching" ] || kill "$fetching" 2>/dev/null || true
  [ -z "$fetching" ] || wait "$fetching" 2>/dev/null || true
  rm -rf "$temp"
  exit "$status"
}
trap finish EXIT
trap 'printf "\n" >&2; say "cut off; nothing was installed"; exit 130' INT TERM HUP

# progress shows on a terminal how much of the tarball is here, until a process ends.
progress() {
  local pid=$1 bytes
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 2 ]; then
      bytes=$(du -sb "$temp" 2>/dev/null | cut -f 1) || bytes=0
      [ "${bytes:-0}" -lt "$packed" ] || bytes=$packed # npm copies it at the end.
      printf '\rengine: %3d %% of %d MB ' $((${bytes:-0} * 100 / packed)) $(((packed + 999999) / 1000000)) >&2
    fi
    sleep 0.2
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

say "fetching ClickHouse $version ($(((packed + 999999) / 1000000)) MB, once) into $cache"
# In its own cache, which goes with the temporary folder: 178 MB are not worth keeping twice.
(cd "$temp" && exec npm pack "$package@$version" --pack-destination "$temp" --cache "$temp/npm" --loglevel error \
  --no-audit --no-fund --no-update-notifier) >"$temp/npm.out" 2>"$temp/npm.err" 9>&- </dev/null &
fetching=$!
progress "$fetching"
if ! wait "$fetching"; then
  fetching=
  grep -v '^npm warn' "$temp/npm.err" | head -n 5 >&2 || true
  fail "npm could not fetch $package@$version; nothing was installed"
fi
fetching=
rm -rf "$temp/npm"

tarball=$(find "$temp" -maxdepth 1 -name '*.tgz')
[ -f "$tarball" ] || fail "npm left no tarball of $package@$version; nothing was installed"
got=$(node -e '
  const hash = require("crypto").createHash("sha512")
  require("fs").createReadStream(process.argv[1]).on("data", (d) => hash.update(d)).on("end", () => console.log("sha512-" + hash.digest("base64")))
' "$tarball")
[ "$got" = "$integrity" ] || fail "the tarball of $package@$version has the wrong hash; nothing was installed
  expected $integrity
  got      $got"

say "unpacking"
tar -xzf "$tarball" -C "$temp" --no-same-owner package/libchdb.so || fail "the tarball holds no libchdb.so; nothing was installed"
rm -f "$tarball"
got=$(sha256sum "$temp/package/libchdb.so" | cut -d ' ' -f 1)
[ "$got" = "$sha256" ] || fail "libchdb.so has the wrong hash; nothing was installed
  expected $sha256
  got      $got"
touch "$temp/package/libchdb.so" # Not the date in the tarball.
chmod 0644 "$temp/package/libchdb.so"
mkdir -p "$cache/$version"
mv -f "$temp/package/libchdb.so" "$library"
say "ClickHouse $version is in $library"
