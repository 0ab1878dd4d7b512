/*
 * keyset.c - see keyset.h. A fetch that fails leaves the old keys alone and is tried again after a
 * second (nothing there yet) or `cooldown`. Keys whose text did not change keep their version, and
 * with it the cached tokens.
 */
#include "keyset.h"

#include <errno.h>

#define SECOND_NS ((uint64_t)1000000000)
#define FETCH_TIMEOUT_NS (3 * SECOND_NS) /* who waits has limits.middleware_timeout, 5 s */

struct auth_fetch {
    struct auth_keyset *keyset;
    struct eg_http_call *call; /* NULL: a file is read */
    struct eg_http_request request;
    char *text; /* of the file */
    size_t len;
    int32_t rc;
    struct eg_why why;
};

void auth_keyset_init(struct auth_keyset *keyset, struct auth_slot *slot,
                      const struct auth_issuer *issuer) {
    *keyset = (struct auth_keyset){.slot = slot, .issuer = issuer, .version = 1};
    if (auth_issuer_fetches(issuer)) {
        keyset->version = 0;
        (void)auth_keyset_need(keyset, egx_str_n(NULL, 0), NULL, NULL);
    }
}

void auth_keyset_free(struct auth_keyset *keyset) {
    auth_keys_free(&keyset->keys);
}

const struct auth_keys *auth_keyset_keys(const struct auth_keyset *keyset) {
    return auth_issuer_fetches(keyset->issuer) ? &keyset->keys : &keyset->issuer->fixed;
}

static uint64_t now_ns(const struct auth_keyset *keyset) {
    const struct eg_host *host = keyset->slot->auth->host;
    return host->clock->monotonic_ns(host);
}

/* ---- who waits ---- */

void auth_keyset_forget(struct auth_keyset *keyset, struct auth_waiter *waiter) {
    struct auth_waiter **at = &keyset->waiters;
    while (*at != NULL && *at != waiter) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = waiter->next;
    }
    waiter->is_linked = 0;
}

static void wake(struct auth_keyset *keyset) {
    struct auth_waiter *waiter = keyset->waiters;
    keyset->waiters = NULL;
    while (waiter != NULL) {
        struct auth_waiter *next = waiter->next;
        waiter->is_linked = 0;
        waiter->resume(waiter);
        waiter = next;
    }
}

/* ---- the end of a fetch ---- */

static int32_t take_keys(struct auth_keyset *keyset, struct eg_str text, struct eg_why *ret_why) {
    const struct auth *auth = keyset->slot->auth;
    struct auth_keys keys = {0};
    struct auth_digest content;
    const int is_from_file = keyset->issuer->keys_file.len > 0;
    if (!auth_hash(auth->credentials.hasher, &text, 1, &content)) {
        return egx_why(ret_why, EG_E_INTERNAL, "OpenSSL has no SHA-256");
    }
    if (keyset->version > 0 && auth_digest_eq(&content, &keyset->content)) {
        return EG_OK;
    }
    const int32_t rc = auth_keys_parse(&keys, auth->host, text, is_from_file, ret_why);
    if (rc < 0) {
        return rc;
    }
    auth_keys_free(&keyset->keys);
    keyset->keys = keys;
    keyset->content = content;
    keyset->version++;
    egx_log(auth->host, EG_LOG_INFO, "issuer '%.*s': %zu keys", EGX_FMT(keyset->issuer->name),
            keys.count);
    return EG_OK;
}

static void end_fetch(struct auth_keyset *keyset, int32_t rc, const struct eg_why *why) {
    const struct auth *auth = keyset->slot->auth;
    const uint64_t now = now_ns(keyset);
    const uint64_t cooldown_ns = (uint64_t)keyset->issuer->cooldown_s * SECOND_NS;
    auth->host->metrics->add(auth->fetched[rc >= 0], 1);
    if (rc >= 0) {
        keyset->loaded_ns = now;
    } else if (rc != EG_E_CANCELED) {
        egx_log(auth->host, EG_LOG_WARN, "keys of issuer '%.*s' cannot be had: %.*s",
                EGX_FMT(keyset->issuer->name), (int)why->len, why->text);
    }
    keyset->next_ns = now + (keyset->version == 0 ? SECOND_NS : cooldown_ns);
    wake(keyset);
}

static void free_fetch(struct auth_fetch *fetch) {
    const struct eg_host *host = fetch->keyset->slot->auth->host;
    free(fetch->text);
    fetch->keyset->fetch = NULL;
    host->mem->free(host, fetch);
}

static void on_answer(void *arg, const struct eg_http_response *response) {
    struct auth_fetch *fetch = arg;
    struct auth_keyset *keyset = fetch->keyset;
    struct eg_why why = {.struct_size = sizeof why};
    int32_t rc = response->error;
    if (rc != 0) {
        (void)egx_why(&why, rc, "%.*s", EGX_FMT(response->message));
    } else if (response->status != 200) {
        rc = egx_why(&why, EG_E_PROTO, "the answer has status %d", response->status);
    } else {
        rc = take_keys(keyset, egx_str_n(response->body.ptr, response->body.len), &why);
    }
    struct eg_buf body = response->body;
    egx_buf_release(&body);
    free_fetch(fetch);
    end_fetch(keyset, rc, &why);
}

/* ---- files ---- */

int32_t auth_read_file(struct eg_str path, char **ret_text, size_t *ret_len,
                       struct eg_why *ret_why) {
    char name[4096];
    if (path.len >= sizeof name) {
        return egx_why(ret_why, EG_E_INVAL, "the path is too long");
    }
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    FILE *file = fopen(name, "rbe");
    char *text = file == NULL ? NULL : malloc(AUTH_KEYS_BYTES_MAX + 1);
    const size_t len = text == NULL ? 0 : fread(text, 1, AUTH_KEYS_BYTES_MAX + 1, file);
    const int is_read = text != NULL && ferror(file) == 0;
    const int error = errno;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!is_read || len > AUTH_KEYS_BYTES_MAX) {
        free(text);
        return is_read ? egx_why(ret_why, EG_E_TOOBIG, "%s is too big for a key set", name)
                       : egx_why(ret_why, EG_E_IO, "%s: %s", name, strerror(error));
    }
    *ret_text = text;
    *ret_len = len;
    return EG_OK;
}

static void read_file(void *arg) { /* pool thread */
    struct auth_fetch *fetch = arg;
    fetch->rc =
        auth_read_file(fetch->keyset->issuer->keys_file, &fetch->text, &fetch->len, &fetch->why);
}

static void on_file(void *arg) {
    struct auth_fetch *fetch = arg;
    struct auth_keyset *keyset = fetch->keyset;
    struct eg_why why = fetch->why;
    int32_t rc = fetch->rc;
    if (rc >= 0) {
        rc = take_keys(keyset, egx_str_n(fetch->text, fetch->len), &why);
    }
    free_fetch(fetch);
    end_fetch(keyset, rc, &why);
}

/* ---- the beginning of a fetch ---- */

static int32_t begin_fetch(struct auth_keyset *keyset) {
    const struct eg_host *host = keyset->slot->auth->host;
    const struct auth_issuer *issuer = keyset->issuer;
    struct auth_fetch *fetch = host->mem->alloc(host, sizeof *fetch);
    int32_t rc;
    fetch->keyset = keyset;
    fetch->why.struct_size = sizeof fetch->why;
    fetch->request = (struct eg_http_request){
        .struct_size = sizeof fetch->request,
        .flags = EG_HTTP_NO_REDIRECT,
        .method = EGX_STR("GET"),
        .url = issuer->keys_url,
        .timeout_ns = FETCH_TIMEOUT_NS,
        .max_response_bytes = AUTH_KEYS_BYTES_MAX,
        .ca_file = issuer->ca_file,
    };
    keyset->fetch = fetch;
    if (issuer->keys_file.len > 0) {
        rc = host->loop->run_blocking(host, keyset->slot->loop, read_file, on_file, fetch);
    } else {
        rc = host->http->send(host, keyset->slot->loop, &fetch->request, on_answer, fetch,
                              &fetch->call);
    }
    if (rc < 0) {
        free_fetch(fetch);
        keyset->next_ns = now_ns(keyset) + SECOND_NS;
    }
    return rc;
}

void auth_keyset_stop(struct auth_keyset *keyset) {
    const struct eg_host *host = keyset->slot->auth->host;
    if (keyset->fetch != NULL && keyset->fetch->call != NULL) {
        host->http->cancel(host, keyset->fetch->call);
    }
}

static int has_key(const struct auth_keyset *keyset, struct eg_str key_id,
                   const struct auth_algorithm *algorithm) {
    size_t cursor = 0;
    return algorithm == NULL || auth_keys_next(&keyset->keys, key_id, algorithm, &cursor) != NULL;
}

static int is_older(const struct auth_keyset *keyset, int64_t seconds) {
    return now_ns(keyset) - keyset->loaded_ns >= (uint64_t)seconds * SECOND_NS;
}

enum auth_keys_state auth_keyset_need(struct auth_keyset *keyset, struct eg_str key_id,
                                      const struct auth_algorithm *algorithm,
                                      struct auth_waiter *waiter) {
    if (!auth_issuer_fetches(keyset->issuer)) {
        return AUTH_KEYS_READY;
    }
    const int is_due = keyset->version == 0 || is_older(keyset, keyset->issuer->refresh_s);
    const int is_usable = keyset->version > 0 &&
                          !is_older(keyset, keyset->issuer->refresh_s + keyset->issuer->stale_s);
    const int is_unknown = is_usable && !has_key(keyset, key_id, algorithm);
    if (keyset->fetch == NULL && (is_due || is_unknown) && now_ns(keyset) >= keyset->next_ns) {
        (void)begin_fetch(keyset);
    }
    if (is_usable && !is_unknown) {
        return AUTH_KEYS_READY;
    }
    if (keyset->fetch == NULL || waiter == NULL) {
        return is_usable ? AUTH_KEYS_READY : AUTH_KEYS_NONE;
    }
    waiter->next = keyset->waiters;
    waiter->is_linked = 1;
    keyset->waiters = waiter;
    return AUTH_KEYS_WAIT;
}
