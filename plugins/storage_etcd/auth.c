/*
 * auth.c - the token: etcd hands one out for a name and a password, and wants it as Authorization
 * with every request (https://etcd.io/docs/v3.4/op-guide/authentication/). Simple tokens end after
 * minutes without use and with the server that gave them; so one is asked for when it is needed
 * first, and again whenever it is refused. Requests wait meanwhile, so that a hundred of them ask
 * once.
 *
 * Thread: control. Ownership: the token is the store's; calls copy it.
 */
#include "storage_etcd.h"

bool etcd_auth_needs_token(const struct etcd_store *store) {
    const struct etcd_auth *auth = &store->auth;
    return store->settings->username.len > 0 && !auth->is_off && auth->token == NULL;
}

static void set_token(struct etcd_store *store, struct eg_str token) {
    struct etcd_auth *auth = &store->auth;
    store->host->mem->free(store->host, auth->token);
    auth->token = NULL;
    auth->token_len = token.len;
    auth->serial++;
    if (token.len > 0) {
        auth->token = store->host->mem->alloc(store->host, token.len);
        memcpy(auth->token, token.ptr, token.len);
    }
}

void etcd_auth_forget(struct etcd_store *store, uint64_t serial) {
    if (serial == store->auth.serial) { /* else there is a newer one already */
        store->auth.is_off = false;
        set_token(store, egx_str_n(NULL, 0));
    }
}

static void release_waiting(struct etcd_store *store, int32_t status, const struct eg_why *why) {
    struct etcd_call *call = store->auth.waiting;
    store->auth.waiting = NULL;
    while (call != NULL) {
        struct etcd_call *next = call->next;
        call->next = NULL;
        if (status == EG_OK) {
            etcd_call_go_on(call);
        } else {
            call->why = *why;
            etcd_call_end_later(call, status);
        }
        call = next;
    }
}

/* With a name and a password, but etcd wants none: so be it. */
static void turn_off(struct etcd_store *store) {
    store->auth.is_off = true;
    store->auth.serial++;
    egx_log(store->host, EG_LOG_WARN,
            "etcd's authentication is not enabled: anybody who reaches it can change the "
            "configuration; 'username' is not used");
}

static void on_token(struct etcd_call *call, int32_t status, const struct eg_json *root) {
    struct etcd_store *store = call->store;
    const struct eg_str token =
        status == EG_OK ? etcd_string(store->host, root, EGX_STR("token")) : egx_str_n(NULL, 0);
    if (status == EG_OK && token.len > 0 && egx_is_header_text(token)) {
        set_token(store, token);
    } else if (status == EG_E_UNSUPPORTED && root != NULL) {
        turn_off(store);
        status = EG_OK;
    } else if (status == EG_OK) {
        status = egx_why(&call->why, EG_E_PROTO, "etcd at %.*s gave no token that can be used",
                         EGX_FMT(store->endpoints[call->endpoint].name));
    }
    release_waiting(store, status, &call->why);
}

static void ask(struct etcd_store *store) {
    struct etcd_call *call = &store->auth.call;
    call->store = store;
    call->path = "/v3/auth/authenticate";
    call->flags = ETCD_REPEAT | ETCD_ANYWAY | ETCD_NO_TOKEN;
    call->on_end = on_token;
    call->body = egx_json_begin();
    egx_json_open(&call->body, '{');
    egx_json_key(&call->body, EGX_STR("name"));
    egx_json_string(&call->body, store->settings->username);
    egx_json_key(&call->body, EGX_STR("password"));
    egx_json_string(&call->body, store->settings->password);
    egx_json_close(&call->body, '}');
    etcd_call_send(call);
}

void etcd_auth_wait(struct etcd_call *call) {
    struct etcd_store *store = call->store;
    struct etcd_call **place = &store->auth.waiting;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    call->next = NULL;
    *place = call;
    if (!store->auth.call.is_active) {
        ask(store);
    }
}
