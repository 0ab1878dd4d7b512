# lib.sh - what run and do share. Source it; needs bash.

readonly jars=/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-simple.jar
readonly root=/event-gateway

# The id of a user in an ACL: the server knows no users, it compares this hash.
digest_of() { printf '%s:%s' "$1" "$(printf '%s:%s' "$1" "$2" | openssl dgst -sha1 -binary | base64)"; }

# cli PORT: commands from standard input, one a line, as the user whom no ACL stops.
cli() {
    {
        echo "addauth digest super:super-of-the-store"
        cat
        echo quit
    } | timeout 20 java -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$jars" \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
        org.apache.zookeeper.ZooKeeperMain -waitforconnection -server "127.0.0.1:$1" 2>&1
}
