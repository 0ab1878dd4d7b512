/*
 * client.h - the client library with its threads behind calls that are answered on the control
 * loop. One client = one handle of the library = one session at most; a lost connection ends it,
 * and the next one is a new client (see session.c).
 *
 * Everything here is called on the control thread. An answer never comes inside the call that asked
 * for it, and comes exactly once: at the latest, with ZK_LOST, inside zk_client_close.
 */
#ifndef STORAGE_ZOOKEEPER_CLIENT_H
#define STORAGE_ZOOKEEPER_CLIENT_H

#include <stdbool.h>

#include <eventgw-sdk/egx.h>

struct zk_client;

#define ZK_OK 0u
#define ZK_NONODE 1u
#define ZK_EXISTS 2u
#define ZK_BADVERSION 3u
#define ZK_NOAUTH 4u
#define ZK_LOST 5u   /* the connection ended before the answer */
#define ZK_FAILED 6u /* anything else, see zk_client_text */

struct zk_stat {
    uint64_t made_zxid;
    uint64_t zxid; /* of the last change of its data */
    uint64_t children_zxid;
    int32_t version;
};

/* Borrowed during the call of done. */
struct zk_reply {
    uint32_t code;
    int32_t raw; /* of the library */
    struct eg_str data;
    struct zk_stat stat; /* of a multi: of its first operation, a ZK_SET */
    const struct eg_str *names;
    size_t name_count;
};

struct zk_ask {
    void (*done)(void *arg, const struct zk_reply *reply);
    void *arg;
};

#define ZK_SET 0u
#define ZK_CREATE 1u
#define ZK_DELETE 2u
#define ZK_CHECK 3u
struct zk_op {
    uint32_t kind; /* ZK_SET, ... */
    int32_t version;
    const char *path;
    struct eg_str data;
};
#define ZK_MAX_OPS 10u

struct zk_client_config {
    const struct eg_host *host;
    struct eg_loop *loop;
    const char *servers; /* host:port,host:port */
    const char *digest;  /* user:password, or NULL */
    int32_t session_ms;
    void *arg;
    /* The names are looked up, which takes as long as it takes; it connects from now on. */
    void (*on_open)(void *arg);
    /* The session is there; calls may be made. */
    void (*on_connected)(void *arg);
    /* It will not come to be, or is over. Says why. May come several times. */
    void (*on_trouble)(void *arg, bool was_connected, struct eg_str why);
    /* The node that zk_get watches has changed, or (is_gone) was removed. */
    void (*on_watched)(void *arg, bool is_gone);
};

/* Begins to connect, on a pool thread. EG_E_BUSY: the pool is full. The config is copied, its texts
 * are borrowed until on_closed. */
int32_t zk_client_open(const struct zk_client_config *config, struct zk_client **ret_client);
/* Ends what is under way and tells nothing any more; on_closed comes when the threads are gone, and
 * the client with them. is_hurried: the host waits for it. */
void zk_client_close(struct zk_client *client, bool is_hurried, void (*on_closed)(void *arg),
                     void *arg);

void zk_sync(struct zk_client *client, const char *path, struct zk_ask ask);
void zk_get(struct zk_client *client, const char *path, bool is_watched, struct zk_ask ask);
void zk_exists(struct zk_client *client, const char *path, struct zk_ask ask);
void zk_children(struct zk_client *client, const char *path, struct zk_ask ask);
/* With the ACL that all nodes of ours have. */
void zk_create(struct zk_client *client, const char *path, struct eg_str data, struct zk_ask ask);
/* All or none. The first has to be a ZK_SET. */
void zk_multi(struct zk_client *client, const struct zk_op *ops, size_t count, struct zk_ask ask);

/* The library's words for reply->raw. */
const char *zk_client_text(int32_t raw);

/* ---- client_log.c ---- */

/* A function for the log of one client; NULL when all are taken. */
typedef void (*zk_log_fn)(const char *line);
zk_log_fn zk_log_take(void (*take)(void *arg, struct eg_str message), void *arg);
/* Only when nobody can call it any more. */
void zk_log_give_back(zk_log_fn fn);
/* For a client without one of its own. */
void zk_log_silence(const char *line);

#endif
