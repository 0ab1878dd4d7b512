# api.sh - Consul's HTTP API for run and do, which have set $directory and $port. Source it; needs
# bash, curl.

readonly secret=secret-of-the-store
readonly gateway_policy='[{"Name":"event-gateway"}]'

# The token that may do all: until the gateway's own is restricted that one.
management() {
    if [ -e "$directory/management" ]; then
        cat "$directory/management"
    else
        printf '%s' "$secret"
    fi
}

# ask METHOD PATH OPTION...: what curl makes of it.
ask() {
    local method=$1 path=$2 tls=() scheme=http
    shift 2
    if [ -d "$directory/tls" ]; then
        scheme=https
        tls=(--cacert "$directory/tls/ca.pem" --cert "$directory/tls/client.pem"
            --key "$directory/tls/client-key.pem")
    fi
    curl -s -m 5 -X "$method" -H "X-Consul-Token: $(management)" "${tls[@]}" "$@" \
        "$scheme://127.0.0.1:$port/v1/$path"
}

# api METHOD PATH [BODY]: prints the answer; fails when that is an error.
api() { ask "$1" "$2" -f ${3:+--data-binary "$3"}; }

# The first string member of that name in a JSON text.
member() { sed -E "s/^[^\"]*(\"|.*[{,]\")$1\":\"([^\"]*)\".*/\2/"; }

# set_policies POLICIES: what the gateway's token may do.
set_policies() {
    api PUT "acl/token/$(cat "$directory/accessor")" \
        "{\"AccessorID\":\"$(cat "$directory/accessor")\",\"Policies\":$1}" >/dev/null
}
