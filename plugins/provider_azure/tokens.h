/*
 * tokens.h - bearer tokens of one plugin instance: got over HTTP, kept until shortly before they
 * expire, shared by all loops, fetched by one loop at a time for everybody who waits.
 *
 * A token that is about to expire is used on while its successor is fetched in the background; only
 * an expired or refused one is waited for. Nothing is tried again here: a failed fetch fails
 * those who wait, with the class that the service's answer has, and the next call asks anew.
 *
 * One mutex guards all; it is held for a few pointers, never across a call of the host but
 * post, and a call of a function takes it once.
 */
#ifndef PROVIDER_AZURE_TOKENS_H
#define PROVIDER_AZURE_TOKENS_H

#include <eventgw-sdk/egx.h>

struct tokens;
struct token_source; /* what one token is got with; counted */

/* How a token is asked for. Texts are borrowed during token_source_get. */
struct token_recipe {
    struct eg_str url;
    struct eg_str body;  /* of a POST, a form; empty = GET */
    struct eg_kv header; /* one more, or empty */
    struct eg_str file;  /* read for each fetch, its trimmed content encoded behind the body */
};

struct token_limits {
    uint64_t timeout_ns; /* of one fetch */
    struct eg_str ca_file;
};

/* Immutable once it is there; counted. */
struct token {
    uint32_t refs;
    uint64_t renew_ns;  /* from here on a successor is fetched; monotonic */
    uint64_t expire_ns; /* from here on it is not used */
    struct eg_str text; /* "Bearer ..." */
};

/* Somebody who waits; part of his own memory. */
struct token_want {
    struct token_want *next;
    struct token_want *prev;
    struct token_source *source;
    struct eg_loop *loop;
    /* On the loop, exactly once unless forgotten. token is given; NULL = failed, then the rest. */
    void (*on_token)(struct token_want *want, struct token *token);
    uint32_t is_linked;
    int32_t status;
    uint32_t call_class;
    uint64_t retry_after_ns;
    struct token *token;
    char message[256];
};

struct tokens *tokens_new(const struct eg_host *host, const struct token_limits *limits);
/* All sources have been given back. NULL is fine. */
void tokens_free(struct tokens *tokens);

/* The source of this recipe, the same for equal recipes. Any thread. */
struct token_source *token_source_get(struct tokens *tokens, const struct token_recipe *recipe);
void token_source_unref(struct token_source *source); /* NULL is fine */

/*
 * A token to use now, to be given back with token_unref; or NULL: want->on_token follows, never
 * inside this call. The caller has set want->loop (its own) and on_token.
 */
struct token *token_get(struct token_source *source, struct token_want *want);
/*
 * The function has refused this token. 1 = token_get gives another one. 0 = the last one was given
 * up a moment ago and did not help either: this one stays, since others may be served with it.
 */
int token_refused(struct token_source *source, const struct token *token);
void token_unref(struct token_source *source, struct token *token); /* NULL is fine */
/* 1 = on_token will not come any more; 0 = it is on its way. */
int token_forget(struct token_want *want);

#endif
