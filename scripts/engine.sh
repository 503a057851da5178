#!/usr/bin/env bash
# Fetches the embedded ClickHouse into the user's cache, once for all clones.
#
# What is fetched is pinned in engine.pins: the tarball is compared with npm's integrity and the library
# with its own hash before it gets its name, so that a library which is there is whole and is the right one.
# Cut off at any point it leaves nothing that the next run would use, and the next run removes what is left.
set -euo pipefail

name=engine
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/fetch.sh
. "$here/fetch.sh"

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

machine=$(uname -m)
package='' version='' integrity='' packed='' sha256='' unpacked=''
while read -r for_machine rest; do
  [ "$for_machine" = "$machine" ] || continue
  read -r package version integrity packed sha256 unpacked <<<"$rest"
done < <(grep -v '^#' "$here/engine.pins")
[ "$(uname -s)" = Linux ] && [ -n "$package" ] ||
  fail "no embedded ClickHouse is pinned for $(uname -s) on $machine; install ClickHouse 26.7 or newer so that clickhouse is on PATH"

folder=$(cache_folder)/engine
library=$folder/$version/libchdb.so
done_already() {
  [ "$(stat -c %s "$library" 2>/dev/null)" = "$unpacked" ] || return 1
  say "ClickHouse $version is in $library"
}
if done_already; then exit 0; fi

advice='and it fetches the embedded ClickHouse; install Node.js 20 or newer with npm'
need npm "$advice"
need node "$advice"
begin "$folder"
if done_already; then exit 0; fi # By the run that this one has waited for.

# npm keeps a copy while it packs, and the library stands beside the tarball.
needed=$(((2 * packed + unpacked) / 1024 + 102400))
free=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$needed" ] || fail "$folder needs $((needed / 1024)) MiB of free space while fetching, and has $((free / 1024))"

say "fetching ClickHouse $version ($(((packed + 999999) / 1000000)) MB, once) into $folder"
# In its own cache, which goes with the temporary folder: 178 MB are not worth keeping twice.
(cd "$temp" && exec npm pack "$package@$version" --pack-destination "$temp" --cache "$temp/npm" --loglevel error \
  --no-audit --no-fund --no-update-notifier) >"$temp/npm.out" 2>"$temp/npm.err" 9>&- </dev/null &
fetching=$!
if ! await "$packed"; then
  grep -v '^npm warn' "$temp/npm.err" | head -n 5 >&2 || true
  fail "npm could not fetch $package@$version; nothing was installed"
fi
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

say unpacking
tar -xzf "$tarball" -C "$temp" --no-same-owner package/libchdb.so || fail "the tarball holds no libchdb.so; nothing was installed"
rm -f "$tarball"
got=$(sha256sum "$temp/package/libchdb.so" | cut -d ' ' -f 1)
[ "$got" = "$sha256" ] || fail "libchdb.so has the wrong hash; nothing was installed
  expected $sha256
  got      $got"
chmod 0644 "$temp/package/libchdb.so"
touch "$temp/package/libchdb.so" # Not the date in the tarball.
mkdir -p "$folder/$version"
mv -f "$temp/package/libchdb.so" "$library"
say "ClickHouse $version is in $library"
