# What the scripts that download have in common; sourced by them, after they set $name for their messages.
# One run at a time downloads into a temporary folder beside the goal, and renames what it has verified.
# shellcheck shell=bash

say() { printf '%s: %s\n' "$name" "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# cache_folder prints where downloads are kept, as embedded.EnginePath has it.
cache_folder() {
  case ${XDG_CACHE_HOME:-} in
    /*) printf '%s/daybook\n' "$XDG_CACHE_HOME" ;;
    *) printf '%s/.cache/daybook\n' "$HOME" ;;
  esac
}

# need TOOL ADVICE ends with one line where a tool is missing.
need() { command -v "$1" >/dev/null || fail "$1 is not installed${2:+, $2}"; }

# begin FOLDER waits until no other run works in the folder, removes what a killed run has left there, and
# makes $temp, which goes however this run ends. A child in $fetching ends with it.
temp='' fetching=''
begin() {
  need flock 'install util-linux'
  mkdir -p "$1" || fail "cannot create $1"
  exec 9>"$1/lock"
  if ! flock -n 9; then
    say 'another run is fetching it; waiting for that'
    flock 9
  fi
  rm -rf "$1"/.fetch-*
  temp=$(mktemp -d "$1/.fetch-XXXXXX")
  trap finish EXIT
  trap 'printf "\n" >&2; say "cut off; nothing was installed"; exit 130' INT TERM HUP
}

finish() {
  local status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$fetching" ]; then
    kill "$fetching" 2>/dev/null || true
    wait "$fetching" 2>/dev/null || true
  fi
  rm -rf "$temp"
  exit "$status"
}

# await TOTAL waits for $fetching and returns its exit status; on a terminal it shows how many of TOTAL bytes
# are in $temp.
await() {
  local total=$1 bytes status=0
  while kill -0 "$fetching" 2>/dev/null; do
    if [ -t 2 ]; then
      bytes=$(du -sb "$temp" 2>/dev/null | cut -f 1) || bytes=0
      [ "${bytes:-0}" -lt "$total" ] || bytes=$total # Copies are made at the end.
      printf '\r%s: %3d %% of %d MB ' "$name" $((${bytes:-0} * 100 / total)) $(((total + 999999) / 1000000)) >&2
    fi
    sleep 0.2
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
  wait "$fetching" || status=$?
  fetching=
  return "$status"
}
