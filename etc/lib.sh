# etc/lib.sh - shared by quickstart, build-deps' callers and tests/run: what they say and how they install.
# Source it; needs bash.

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "$1 needs root: run this as root or install sudo"
    fi
}

# install_packages PACKAGE...: those that are not there yet; nothing to do costs one dpkg-query.
install_packages() {
    local missing=() package
    command -v apt-get >/dev/null ||
        die "this set-up knows Debian and its relatives only; docs/operations.md lists what to install elsewhere"
    for package in "$@"; do
        dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q 'install ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    # A broken third-party source must not stop the set-up: what counts is whether the install works.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
        say "apt-get update complained; going on with the package lists that are there"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null || die "cannot install ${missing[*]}"
}

# unpack_package PACKAGE FILE: the package's files below build/deps/tools, nothing installed, no service
# started. FILE says whether that was done already.
unpack_package() {
    [ -e "build/deps/tools/$2" ] && return 0
    say "fetching $1 (for ${2##*/})"
    mkdir -p build/deps/tools build/deps/packages
    (
        cd build/deps/packages
        apt-get download -qq "$1" 2>/dev/null || {
            as_root apt-get update -qq
            apt-get download -qq "$1"
        }
        dpkg -x "$1"_*.deb ../tools
    ) || die "cannot fetch the package $1"
}

# What building the gateway takes.
BUILD_PACKAGES=(gcc cmake ninja-build pkg-config libc6-dev libcurl4-openssl-dev libjansson-dev
    libconfig-dev libyaml-dev libsqlite3-dev zlib1g-dev libmicrohttpd-dev libgnutls28-dev libssl-dev
    libhiredis-dev libzookeeper-mt-dev libpcre2-dev libjq-dev
    make dpkg-dev xz-utils ca-certificates) # the last line: for etc/build-deps

# build_preset PRESET [TARGET]: configures once, then builds what changed.
build_preset() {
    mkdir -p build
    [ -f "build/$1/build.ninja" ] || {
        say "configuring build/$1"
        cmake --preset "$1" >"build/$1-configure.log" 2>&1 || {
            cat "build/$1-configure.log" >&2
            die "cmake --preset $1 failed"
        }
    }
    say "building build/$1"
    cmake --build --preset "$1" ${2:+--target "$2"} -- --quiet || die "the build of preset $1 failed"
}
