/*
 * answers.c - see answers.h. The words are those of Redis' source (server.c, createSharedObjects;
 * acl.c; sentinel.c); they are its protocol and do not change, the sentences behind them do.
 *
 * Thread: any.
 */
#include "answers.h"

#include <hiredis/hiredis.h>

static const struct {
    const char *word;
    int32_t rc;
    bool ends_session;
    const char *text; /* before Redis' own sentence; NULL: that alone */
} refusals[] = {
    {"NOAUTH", EG_E_DENIED, true, "redis demands credentials"},
    {"WRONGPASS", EG_E_DENIED, true, "redis refuses the credentials"},
    {"DENIED", EG_E_DENIED, true, "redis refuses the connection"}, /* protected mode */
    {"NOPERM", EG_E_DENIED, false, "the redis user may not do this"},
    {"READONLY", EG_E_UNAVAILABLE, true, "the redis server is a replica now"},
    {"LOADING", EG_E_UNAVAILABLE, true, "redis is still reading its data"},
    {"MASTERDOWN", EG_E_UNAVAILABLE, true, "the redis server is a replica without a master"},
    {"CLUSTERDOWN", EG_E_UNAVAILABLE, true, "the redis cluster is down"},
    {"MOVED", EG_E_UNAVAILABLE, true, "the keys are on another node of the redis cluster"},
    {"ASK", EG_E_UNAVAILABLE, true, "the keys are moving to another node of the redis cluster"},
    {"TRYAGAIN", EG_E_UNAVAILABLE, false, NULL},
    {"UNBLOCKED", EG_E_UNAVAILABLE, true, "the redis server has changed its role"},
    {"NOREPLICAS", EG_E_UNAVAILABLE, false, "too few replicas of redis are there to write"},
    {"MISCONF", EG_E_UNAVAILABLE, false, "redis cannot save its data to disk and takes no writes"},
    {"OOM", EG_E_UNAVAILABLE, false, "redis has no memory left (maxmemory) and takes no writes"},
    {"BUSY", EG_E_UNAVAILABLE, false, "redis is busy with a script"},
    {"WRONGTYPE", EG_E_PROTO, false, "a redis key of this store holds something else"},
};

static bool has_word(struct eg_str error, const char *word) {
    const struct eg_str wanted = egx_str_c(word);
    return egx_str_starts(error, wanted) &&
           (error.len == wanted.len || error.ptr[wanted.len] == ' ');
}

/* Redis 6 puts "ERR Error running script ... : -WORD sentence" around what a script ran into. */
static struct eg_str inner_error(struct eg_str error) {
    if (!egx_str_starts(error, EGX_STR("ERR Error running script"))) {
        return error;
    }
    const char *at = memmem(error.ptr, error.len, ": -", 3);
    return at == NULL ? error : egx_str_cut(error, (size_t)(at - error.ptr) + 3);
}

/* Of a command that it does not know Redis repeats the arguments, and those of AUTH are a password
 * (server.c, commandCheckExistence). */
static struct eg_str without_arguments(struct eg_str error) {
    static const struct eg_str begin = EGX_STR_INIT(", with args beginning with");
    const char *at = memmem(error.ptr, error.len, begin.ptr, begin.len);
    return at == NULL ? error : egx_str_n(error.ptr, (size_t)(at - error.ptr));
}

/* Without a word of their own: what a command of a script may not do (Redis 7.0, script.c), AUTH of
 * Redis before 6.2 and of servers without a password, and a server that is full. */
static int32_t code_of_sentence(struct eg_str error) {
    static const struct {
        struct eg_str part;
        int32_t rc;
    } sentences[] = {
        {EGX_STR_INIT("can't run this command"), EG_E_DENIED},
        {EGX_STR_INIT("can't access at least one of the keys"), EG_E_DENIED},
        {EGX_STR_INIT("ACL failure in script"), EG_E_DENIED},
        {EGX_STR_INIT("invalid password"), EG_E_DENIED},
        {EGX_STR_INIT("AUTH <password> called without any password"), EG_E_DENIED},
        {EGX_STR_INIT("max number of clients"), EG_E_UNAVAILABLE},
    };
    for (size_t i = 0; i < EGX_COUNT(sentences); i++) {
        const struct eg_str part = sentences[i].part;
        if (memmem(error.ptr, error.len, part.ptr, part.len) != NULL) {
            return sentences[i].rc;
        }
    }
    return EG_E_PROTO;
}

struct redis_refusal redis_refusal_of(struct eg_str text, struct eg_why *ret_why) {
    const struct eg_str error = without_arguments(inner_error(text));
    for (size_t i = 0; i < EGX_COUNT(refusals); i++) {
        if (has_word(error, refusals[i].word)) {
            const char *ours = refusals[i].text;
            (void)egx_why(ret_why, refusals[i].rc, "%s%s%.*s", ours == NULL ? "" : ours,
                          ours == NULL ? "" : ": ", EGX_FMT(error));
            return (struct redis_refusal){refusals[i].rc, refusals[i].ends_session, false};
        }
    }
    (void)egx_why(ret_why, EG_E_PROTO, "redis refuses a command: %.*s", EGX_FMT(error));
    if (has_word(error, "NOSCRIPT")) {
        return (struct redis_refusal){EG_E_PROTO, false, true};
    }
    return (struct redis_refusal){code_of_sentence(error), false, false};
}

bool redis_is_array(const struct redisReply *reply, size_t count) {
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= count;
}

struct eg_str redis_part(const struct redisReply *reply, size_t index) {
    if (reply->type != REDIS_REPLY_ARRAY || index >= reply->elements) {
        return egx_str_n(NULL, 0);
    }
    const redisReply *part = reply->element[index];
    const bool is_text = part->type == REDIS_REPLY_STRING || part->type == REDIS_REPLY_STATUS;
    return is_text ? egx_str_n(part->str, part->len) : egx_str_n(NULL, 0);
}

const struct redisReply *redis_list_part(const struct redisReply *reply, size_t index,
                                         size_t group) {
    if (reply->type != REDIS_REPLY_ARRAY || index >= reply->elements) {
        return NULL;
    }
    const redisReply *list = reply->element[index];
    if (list->type != REDIS_REPLY_ARRAY || list->elements % group != 0) {
        return NULL;
    }
    for (size_t i = 0; i < list->elements; i++) {
        if (list->element[i]->type != REDIS_REPLY_STRING) {
            return NULL;
        }
    }
    return list;
}

bool redis_number(struct eg_str text, uint64_t *ret_number) {
    uint64_t number = 0;
    size_t i = 0;
    for (; i < text.len && text.ptr[i] != ' '; i++) {
        const char c = text.ptr[i];
        if (c < '0' || c > '9' || number > (UINT64_MAX - 9) / 10) {
            return false;
        }
        number = number * 10 + (uint64_t)(c - '0');
    }
    if (i == 0) {
        return false;
    }
    *ret_number = number;
    return true;
}

bool redis_revisions(struct eg_str text, uint64_t *ret_revision, uint64_t *ret_created) {
    const char *space = text.len == 0 ? NULL : memchr(text.ptr, ' ', text.len);
    return space != NULL && redis_number(text, ret_revision) &&
           redis_number(egx_str_cut(text, (size_t)(space - text.ptr) + 1), ret_created);
}
