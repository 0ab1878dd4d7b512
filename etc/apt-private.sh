# apt-private.sh - packages of another Debian release, fetched through apt from the mirror this system
# uses and checked against Debian's archive keys. The lists and caches of apt are private to one
# directory: no system file is written, no root is needed. Source it; needs bash, apt,
# debian-archive-keyring.
#
#   apt_dir=$PWD/build/deps/apt
#   mirror=$(system_mirror)
#   private_apt_begin deb-src trixie "$mirror"
#   private_apt --download-only source libmicrohttpd/trixie

readonly debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Prints "suites|components|uri" of every `deb` entry of the system's apt sources, both spellings.
system_entries() {
    local file
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -r "$file" ] || continue
        awk '
            function flush_stanza() {
                if (uri != "" && types ~ /(^| )deb( |$)/ && enabled != "no") {
                    print suites "|" components "|" uri
                }
                uri = types = suites = components = enabled = ""
            }
            /^[[:space:]]*$/ { flush_stanza(); next }
            /^#/ { next }
            {
                key = tolower($1)
                value = $0
                sub(/^[^:]*:[[:space:]]*/, "", value)
                if (key == "types:") { types = value }
                if (key == "suites:") { suites = value }
                if (key == "components:") { components = value }
                if (key == "enabled:") { enabled = tolower(value) }
                if (key == "uris:") { split(value, words, " "); uri = words[1] }
            }
            END { flush_stanza() }' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -r "$file" ] || continue
        sed -n -E 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+)[[:space:]]+([^[:space:]]+)[[:space:]]+(.*)$/\3|\4|\2/p' "$file"
    done
}

# The mirror that serves the system's own release: suite = its codename, component main.
system_mirror() {
    local codename='' suites components uri
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    while IFS='|' read -r suites components uri; do
        case " $components " in *" main "*) ;; *) continue ;; esac
        case " $suites " in
            *" ${codename:-none} "* | *" stable "* | *" testing "* | *" unstable "* | *" sid "*)
                printf '%s\n' "$uri"
                return 0
                ;;
        esac
    done < <(system_entries)
    return 1
}

# apt-get with lists, cache and sources below $apt_dir, which is an absolute path.
private_apt() {
    apt-get -qq \
        -o "Dir::Etc::sourcelist=$apt_dir/sources.list" -o "Dir::Etc::sourceparts=-" \
        -o "Dir::State::lists=$apt_dir/lists" -o "Dir::Cache=$apt_dir/cache" \
        -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" \
        -o "APT::Sandbox::User=root" -o "APT::Get::AllowUnauthenticated=false" \
        -o "Acquire::Languages=none" "$@"
}

# private_apt_begin TYPE SUITE MIRROR: reads the lists of component main; TYPE is deb or deb-src.
# apt checks Release against the keyring, the lists against Release, and later the files against
# the lists.
private_apt_begin() {
    mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
    printf '%s [signed-by=%s] %s %s main\n' "$1" "$debian_keyring" "$3" "$2" >"$apt_dir/sources.list"
    private_apt update
}
