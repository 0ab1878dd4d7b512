/*
 * errors.c - etcd's errors as ours. The gateway answers {"error":..,"code":..,"message":..} with
 * the code of gRPC (https://grpc.io/docs/guides/status-codes/); in a stream the error is an object
 * with grpc_code (or code) and message. The texts are those of etcd's api/v3rpc/rpctypes.
 */
#include "storage_etcd.h"

#define INVALID 3
#define EXHAUSTED 8
#define PRECONDITION 9
#define ADVICE_SIZE "values may have about 1 MiB, or what etcd's --max-request-bytes allows"
#define ADVICE_FULL "etcd's database is full: compact, defragment and disarm its alarm"

/* The first row that fits. */
static const struct etcd_error errors[] = {
    {INVALID, "request is too large", EG_E_TOOBIG, false, false, ADVICE_SIZE},
    {EXHAUSTED, "database space exceeded", EG_E_IO, false, false, ADVICE_FULL},
    {EXHAUSTED, "too many requests", EG_E_BUSY, false, false, NULL},
    {EXHAUSTED, NULL, EG_E_TOOBIG, false, false, ADVICE_SIZE},
    /* What etcd says when a request has no token although it has to. */
    {-1, "user name is empty", EG_E_DENIED, true, false,
     "etcd wants authentication: set 'username' and 'password'"},
    {-1, "invalid auth token", EG_E_DENIED, true, false, NULL},
    {-1, "revision of auth store is old", EG_E_DENIED, true, false, NULL},
    {-1, "authentication failed", EG_E_DENIED, false, false, "check 'username' and 'password'"},
    {-1, "permission denied", EG_E_DENIED, false, false,
     "the user needs a role with readwrite on the prefix " ETCD_ROOT},
    {PRECONDITION, "authentication is not enabled", EG_E_UNSUPPORTED, false, true, NULL},
    {7, NULL, EG_E_DENIED, false, false, NULL},
    {16, NULL, EG_E_DENIED, true, false, NULL},
    {1, NULL, EG_E_UNAVAILABLE, false, false, NULL},  /* canceled: the server stops */
    {4, NULL, EG_E_UNAVAILABLE, false, false, NULL},  /* deadline exceeded */
    {14, NULL, EG_E_UNAVAILABLE, false, false, NULL}, /* no leader, request timed out, ... */
    {-1, "no leader", EG_E_UNAVAILABLE, false, false, NULL},
    {INVALID, NULL, EG_E_INVAL, false, false, NULL},
    /* None is EG_E_NOTFOUND: that a key is missing is never said by an error. */
    {5, NULL, EG_E_UNSUPPORTED, false, false, "etcd 3.4 or later is needed"}, /* no such path */
    {11, NULL, EG_E_CONFLICT, false, false, NULL}, /* a revision that is compacted or to come */
    {12, NULL, EG_E_UNSUPPORTED, false, false, "etcd 3.4 or later is needed"},
    {PRECONDITION, NULL, EG_E_UNSUPPORTED, false, false, NULL},
    {-1, NULL, EG_E_IO, false, false, NULL},
};

static bool holds(struct eg_str text, const char *part) {
    return part == NULL || (text.len > 0 && memmem(text.ptr, text.len, part, strlen(part)) != NULL);
}

const struct etcd_error *etcd_error_find(int64_t grpc_code, struct eg_str message) {
    size_t i = 0;
    while (i + 1 < EGX_COUNT(errors) &&
           ((errors[i].grpc_code != -1 && errors[i].grpc_code != grpc_code) ||
            !holds(message, errors[i].text))) {
        i++;
    }
    return &errors[i];
}

const struct etcd_error *etcd_error_read(const struct eg_host *host, const struct eg_json *root,
                                         struct eg_str *ret_message) {
    const struct eg_json_api *json = host->json;
    const struct eg_json *error = json->member(root, EGX_STR("error"));
    const struct eg_json *object = json->kind(error) == EG_JSON_OBJECT ? error : root;
    const struct eg_json *code = json->member(object, EGX_STR("grpc_code"));
    struct eg_str message = json->string(json->member(object, EGX_STR("message")));
    if (code == NULL) {
        code = json->member(object, EGX_STR("code"));
    }
    if (message.len == 0) {
        message = json->string(error);
    }
    if (json->kind(code) != EG_JSON_INT) {
        return NULL;
    }
    *ret_message = message;
    return etcd_error_find(json->integer(code), message);
}
