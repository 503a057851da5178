#!/usr/bin/env bash
# Fetches what reads the archive in a test, pyarrow and DuckDB from PyPI, into the user's cache. archiveclients/ pins each by
# its hash, for Python 3.11 on x86-64; on another one pip says so, and the test is skipped.
set -euo pipefail

name=archiveclients
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/fetch.sh
. "$here/fetch.sh"

need python3 'and pyarrow runs on it; install Python 3.11'

pins=$(sha256sum "$here/archiveclients/requirements.txt" | cut -c 1-16)
folder=$(cache_folder)/$name/$pins
done_already() {
  [ -d "$folder/python" ] || return 1
  say "they are in $folder/python"
}
if done_already; then exit 0; fi
begin "$folder"
if done_already; then exit 0; fi # By the run that this one has waited for.

say "fetching them (80 MB, once) into $folder"
python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
  --target "$temp/python" -r "$here/archiveclients/requirements.txt" >&2 || fail 'pip could not fetch what requirements.txt lists; nothing was installed'
mv "$temp/python" "$folder/python"
say "they are in $folder/python"
