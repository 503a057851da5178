#!/usr/bin/env bash
# Fetches Apache Kafka into the user's cache, for the tests that show every guarantee against it too.
#
# kafka-pom.xml names the version, kafka.sha256 every jar that comes of it: the folder gets its name only when
# it holds exactly these.
set -euo pipefail

name=kafka
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/fetch.sh
. "$here/fetch.sh"

version=4.1.0
folder=$(cache_folder)/kafka-$version
done_already() {
  [ -d "$folder/lib" ] || return 1
  say "Apache Kafka $version is in $folder/lib"
}
if done_already; then exit 0; fi

need java 'and Apache Kafka runs on it; install a JDK 17 or newer'
need mvn 'and it fetches Apache Kafka; install Maven 3.8 or newer'
begin "$folder"
if done_already; then exit 0; fi # By the run that this one has waited for.

say "fetching Apache Kafka $version (45 MB, once) into $folder"
mvn --quiet --batch-mode --file "$here/kafka-pom.xml" "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies" -DoutputDirectory="$temp/lib" \
  >"$temp/mvn.out" 2>&1 9>&- </dev/null &
fetching=$!
if ! await 45000000; then
  grep ERROR "$temp/mvn.out" | head -n 5 >&2 || true
  fail "Maven could not fetch Apache Kafka $version; nothing was installed"
fi
# In the folder, so that the list names jars and no paths.
(cd "$temp/lib" && sha256sum --check --quiet --strict "$here/kafka.sha256") >&2 || fail 'a jar has the wrong hash or is missing; nothing was installed'
others=$(find "$temp/lib" -type f -printf '%f\n' | grep -vxFf <(sed 's/^[0-9a-f]* [ *]//' "$here/kafka.sha256")) || true
[ -z "$others" ] || fail "jars that kafka.sha256 does not name; nothing was installed: $(tr '\n' ' ' <<<"$others")"
mv "$temp/lib" "$folder/lib"
say "Apache Kafka $version is in $folder/lib"
