#!/usr/bin/env bash
# Builds the page from query/ui/web into query/ui/dist, which the program embeds. It does nothing where the page is newer than
# its sources. Without Node.js, which nothing else of the program needs, it says so and the program is built without the page.
set -euo pipefail

web=query/ui/web
dist=query/ui/dist
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo 'SKIP the page: it needs Node.js 20.19 or newer with npm (Debian: apt-get install npm); the API works without it'
  [ "${CI:-}" != true ]
  exit
fi
if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; then
  echo "SKIP the page: it needs Node.js 20.19 or newer, this is $(node --version); the API works without it"
  [ "${CI:-}" != true ]
  exit
fi

sources() { find "$web/src" "$web/public" "$web"/*.html "$web"/*.ts "$web"/*.json -type f "$@"; }
if [ -f "$dist/index.html" ] && [ -z "$(sources -newer "$dist/index.html" -print -quit)" ]; then exit 0; fi

make --no-print-directory "$web/node_modules/.package-lock.json"
# .gitignore keeps the folder, which the program's build needs.
find "$dist" -mindepth 1 ! -name .gitignore -delete
npm run --silent --prefix "$web" build -- --logLevel warn
