#!/usr/bin/env bash
# Fetches the clients of others that the live stream is tried with into the user's cache: npm's eventsource and
# eventsource-parser, playwright-core to drive a browser, and PyPI's sseclient-py. streamclients/ pins each by its hash.
# Where it is run by root, Debian's packages of Chromium and nginx are installed as well; elsewhere the tests say what is missing.
set -euo pipefail

name=streamclients
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/fetch.sh
. "$here/fetch.sh"

need node 'and the clients run on it; install Node.js 20 or newer'
need npm 'and it fetches them; install Node.js 20 or newer with npm'
need python3 'and sseclient-py runs on it; install Python 3.9 or newer'

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  command -v nginx >/dev/null || missing+=(nginx-light)
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
fi

pins=$(cat "$here"/streamclients/{package-lock.json,requirements.txt} | sha256sum | cut -c 1-16)
folder=$(cache_folder)/$name/$pins
done_already() {
  [ -d "$folder/clients" ] || return 1
  say "they are in $folder/clients"
}
if done_already; then exit 0; fi
begin "$folder"
if done_already; then exit 0; fi # By the run that this one has waited for.

say "fetching them (12 MB, once) into $folder"
mkdir "$temp/clients"
cp "$here"/streamclients/package*.json "$temp/clients"
npm ci --prefix "$temp/clients" --ignore-scripts --no-audit --no-fund --silent >&2 || fail 'npm could not fetch what package-lock.json lists; nothing was installed'
python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
  --target "$temp/clients/python" -r "$here/streamclients/requirements.txt" >&2 || fail 'pip could not fetch what requirements.txt lists; nothing was installed'
mv "$temp/clients" "$folder/clients"
say "they are in $folder/clients"
