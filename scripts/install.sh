# Sourced by cox when there is something to build: the tools that the build needs.

# "name test package": what must be there, and Debian's package that has it.
readonly NEEDED=(
  'jdk find_jdk openjdk'
  'maven has_command:mvn maven'
  'cmake has_command:cmake cmake'
  'compiler has_command:g++ g++'
  'ninja has_command:ninja ninja-build'
  'git has_command:git git'
  'pip has_pip python3-pip'
  'npm has_command:npm npm'
  'json has_header:nlohmann/json.hpp nlohmann-json3-dev'
  'gtest has_header:gtest/gtest.h libgtest-dev'
)

has_command() { type -P "$1" >/dev/null; }
has_pip() { has_command python3 && python3 -m pip --version >/dev/null 2>&1; }
has_header() {
  [ -e "/usr/include/$1" ] || { has_command g++ && echo "#include <$1>" | g++ -E -x c++ - >/dev/null 2>&1; }
}

# The oldest packaged JDK that is new enough.
jdk_package() {
  local version
  for version in 17 21 25; do
    if apt-cache show "openjdk-$version-jdk-headless" >/dev/null 2>&1; then break; fi
  done
  echo "openjdk-$version-jdk-headless"
}

# Sets MISSING to the packages that are not there.
find_missing() {
  local entry name check package
  MISSING=()
  for entry in "${NEEDED[@]}"; do
    read -r name check package <<<"$entry"
    local test=(${check/:/ })
    "${test[@]}" || MISSING+=("$package")
  done
}

# Prints the words that make a command run as root; fails where this user may not.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    echo env
  elif has_command sudo && sudo -n true 2>/dev/null; then
    echo sudo
  else
    return 1
  fi
}

install_what_is_missing() {
  find_missing
  [ ${#MISSING[@]} -gt 0 ] || return 0
  has_command apt-get || die "missing on this machine: what Debian calls ${MISSING[*]}; install it and run again"
  local root advice packages=("${MISSING[@]/#openjdk/$(jdk_package)}")
  advice="apt-get install --no-install-recommends ${packages[*]}"
  root=$(as_root) || die "missing on this machine; run this and try again: sudo $advice"
  mkdir -p "$BUILD/log"
  say "installing ${packages[*]}"
  if ! { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    "${packages[@]}"; } >"$BUILD/log/install.txt" 2>&1 </dev/null; then
    tail -n 20 "$BUILD/log/install.txt" >&2
    die "the installation failed; by hand: $advice (the whole log: $BUILD/log/install.txt)"
  fi
  find_missing
  [ ${#MISSING[@]} = 0 ] || die "installed, but still not usable: ${MISSING[*]}"
}
