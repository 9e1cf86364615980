# For other scripts (source it). install_packages NAME...: Debian packages, when root; else one line says what is missing.
install_packages() {
  [ $# -gt 0 ] || return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    echo "evenstride: these system packages are missing: $* (Debian: sudo apt-get install $*)" >&2
    return 1
  fi
}
