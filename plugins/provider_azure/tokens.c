/*
 * tokens.c - see tokens.h. Life of a source: bound functions and a running fetch hold it. A fetch
 * runs on the loop of the call that needed it, its steps are read the file (pool thread), send,
 * read the answer. Each step is on the host's ledger, so nothing is freed under it.
 */
#include "tokens.h"

#include <pthread.h>

#include "token_answer.h"

/* After a fetch in the background that failed, and after a token that was given up. */
#define AGAIN_NS (30 * (uint64_t)1000000000)
#define ANSWER_BYTES_MAX ((uint64_t)64 * 1024)
#define FILE_BYTES_MAX ((size_t)64 * 1024)

struct tokens {
    const struct eg_host *host;
    struct token_limits limits;
    pthread_mutex_t lock;
    struct token_source *first;
};

struct token_source {
    struct token_source *next;
    struct tokens *tokens;
    uint32_t refs;
    uint32_t is_fetching;
    struct token *token;
    uint64_t again_ns;   /* not before, in the background */
    uint64_t give_up_ns; /* no refused token is given up before */
    struct token_want *wants;
    struct token_recipe recipe; /* texts are in `text` */
    size_t text_len;
    char text[];
};

struct fetch {
    struct token_source *source;
    struct eg_loop *loop;
    struct eg_http_call *call;
    struct eg_http_request request;
    struct eg_kv headers[3];
    struct egx_json body;
    char *content; /* of the file; NULL = could not be read */
    size_t content_len;
    struct token_answer answer;
};

struct tokens *tokens_new(const struct eg_host *host, const struct token_limits *limits) {
    struct tokens *tokens = host->mem->alloc(host, sizeof *tokens);
    tokens->host = host;
    tokens->limits = *limits;
    (void)pthread_mutex_init(&tokens->lock, NULL);
    return tokens;
}

void tokens_free(struct tokens *tokens) {
    if (tokens != NULL) {
        (void)pthread_mutex_destroy(&tokens->lock);
        tokens->host->mem->free(tokens->host, tokens);
    }
}

static void lock(struct tokens *tokens) {
    (void)pthread_mutex_lock(&tokens->lock);
}

static void unlock(struct tokens *tokens) {
    (void)pthread_mutex_unlock(&tokens->lock);
}

/* Secrets do not stay in freed memory. */
static void wipe(char *bytes, size_t len) {
    volatile char *at = bytes;
    while (len-- > 0) {
        *at++ = 0;
    }
}

/* ---- sources ---- */

static int is_recipe(const struct token_recipe *a, const struct token_recipe *b) {
    return egx_str_eq(a->url, b->url) && egx_str_eq(a->body, b->body) &&
           egx_str_eq(a->header.name, b->header.name) &&
           egx_str_eq(a->header.value, b->header.value) && egx_str_eq(a->file, b->file);
}

/* Copies with a NUL behind it, which a path needs. */
static char *put(char *at, struct eg_str *text) {
    if (text->len > 0) {
        memcpy(at, text->ptr, text->len);
    }
    at[text->len] = '\0';
    text->ptr = at;
    return at + text->len + 1;
}

static struct token_source *source_new(struct tokens *tokens, const struct token_recipe *recipe) {
    const size_t len = recipe->url.len + recipe->body.len + recipe->header.name.len +
                       recipe->header.value.len + recipe->file.len + 5;
    struct token_source *source = tokens->host->mem->alloc(tokens->host, sizeof *source + len);
    source->tokens = tokens;
    source->recipe = *recipe;
    source->text_len = len;
    char *at = put(source->text, &source->recipe.url);
    at = put(at, &source->recipe.body);
    at = put(at, &source->recipe.header.name);
    at = put(at, &source->recipe.header.value);
    (void)put(at, &source->recipe.file);
    return source;
}

struct token_source *token_source_get(struct tokens *tokens, const struct token_recipe *recipe) {
    lock(tokens);
    struct token_source *source = tokens->first;
    while (source != NULL && !is_recipe(&source->recipe, recipe)) {
        source = source->next;
    }
    if (source == NULL) {
        source = source_new(tokens, recipe);
        source->next = tokens->first;
        tokens->first = source;
    }
    source->refs++;
    unlock(tokens);
    return source;
}

static void free_token(const struct eg_host *host, struct token *token) {
    if (token != NULL) {
        wipe((char *)(token + 1), token->text.len);
        host->mem->free(host, token);
    }
}

/* Gives one reference back, under the lock; the token when that was the last. */
static struct token *drop(struct token *token) {
    return token != NULL && --token->refs == 0 ? token : NULL;
}

void token_source_unref(struct token_source *source) {
    if (source == NULL) {
        return;
    }
    struct tokens *tokens = source->tokens;
    const struct eg_host *host = tokens->host;
    lock(tokens);
    const int is_last = --source->refs == 0;
    for (struct token_source **at = &tokens->first; is_last && *at != NULL;) {
        if (*at == source) {
            *at = source->next;
            break;
        }
        at = &(*at)->next;
    }
    struct token *dead = is_last ? drop(source->token) : NULL;
    unlock(tokens);
    free_token(host, dead);
    if (is_last) {
        wipe(source->text, source->text_len);
        host->mem->free(host, source);
    }
}

void token_unref(struct token_source *source, struct token *token) {
    if (token == NULL) {
        return;
    }
    lock(source->tokens);
    struct token *dead = drop(token);
    unlock(source->tokens);
    free_token(source->tokens->host, dead);
}

/* ---- those who wait ---- */

static void link_want(struct token_source *source, struct token_want *want) {
    want->source = source;
    want->token = NULL;
    want->is_linked = 1;
    want->prev = NULL;
    want->next = source->wants;
    if (source->wants != NULL) {
        source->wants->prev = want;
    }
    source->wants = want;
}

int token_forget(struct token_want *want) {
    struct token_source *source = want->source;
    if (source == NULL) {
        return 1;
    }
    lock(source->tokens);
    const int was_linked = want->is_linked != 0;
    if (was_linked) {
        if (want->prev != NULL) {
            want->prev->next = want->next;
        } else {
            source->wants = want->next;
        }
        if (want->next != NULL) {
            want->next->prev = want->prev;
        }
        want->is_linked = 0;
    }
    unlock(source->tokens);
    return was_linked;
}

static void deliver(void *arg) {
    struct token_want *want = arg;
    want->on_token(want, want->token);
}

/* Everybody who waits gets the token, or the reason why there is none. Under the lock: nobody may
 * forget a want between its removal from the list and its post. */
static void tell_all(struct token_source *source, const struct token_answer *answer) {
    const struct eg_host *host = source->tokens->host;
    struct token_want *want = source->wants;
    source->wants = NULL;
    while (want != NULL) {
        struct token_want *next = want->next;
        want->is_linked = 0;
        want->token = answer->call_class == EG_CALL_OK ? source->token : NULL;
        want->status = answer->status;
        want->call_class = answer->call_class;
        want->retry_after_ns = answer->retry_after_ns;
        memcpy(want->message, answer->message, sizeof want->message);
        if (want->token != NULL) {
            want->token->refs++;
        }
        host->loop->post(host, want->loop, deliver, want);
        want = next;
    }
}

/* ---- a fetch ---- */

static void wipe_text(struct egx_json *text) {
    if (text->ptr != NULL) {
        wipe(text->ptr, text->len);
    }
    egx_json_free(text);
}

static void fetch_free(struct fetch *fetch) {
    const struct eg_host *host = fetch->source->tokens->host;
    wipe_text(&fetch->body);
    wipe_text(&fetch->answer.text);
    if (fetch->content != NULL) {
        wipe(fetch->content, fetch->content_len);
        free(fetch->content);
    }
    host->mem->free(host, fetch);
}

static struct token *make_token(const struct eg_host *host, const struct token_answer *answer) {
    const struct eg_str raw = egx_json_text(&answer->text);
    struct token *token = host->mem->alloc(host, sizeof *token + raw.len + 8);
    char *text = (char *)(token + 1);
    const uint64_t now_ns = host->clock->monotonic_ns(host);
    const uint64_t life_ns = answer->life_ns;
    const uint64_t renew_ns = life_ns / 5 < TOKEN_RENEW_NS ? life_ns / 5 : TOKEN_RENEW_NS;
    const uint64_t spare_ns = life_ns / 10 < TOKEN_SPARE_NS ? life_ns / 10 : TOKEN_SPARE_NS;
    memcpy(text, "Bearer ", 7);
    memcpy(text + 7, raw.ptr, raw.len);
    token->refs = 1; /* the source's */
    token->renew_ns = now_ns + life_ns - renew_ns;
    token->expire_ns = now_ns + life_ns - spare_ns;
    token->text = egx_str_n(text, raw.len + 7);
    return token;
}

static void fetch_end(struct fetch *fetch) {
    struct token_source *source = fetch->source;
    struct tokens *tokens = source->tokens;
    const struct eg_host *host = tokens->host;
    struct token *token = NULL;
    struct token *dead = NULL;
    if (fetch->answer.call_class == EG_CALL_OK) {
        token = make_token(host, &fetch->answer);
    } else {
        egx_log(host, EG_LOG_WARN, "no token: %s", fetch->answer.message);
    }
    lock(tokens);
    source->is_fetching = 0;
    if (token != NULL) {
        dead = drop(source->token);
        source->token = token;
    } else {
        source->again_ns = host->clock->monotonic_ns(host) + AGAIN_NS;
    }
    tell_all(source, &fetch->answer);
    unlock(tokens);
    free_token(host, dead);
    fetch_free(fetch);
    token_source_unref(source);
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct fetch *fetch = arg;
    struct eg_buf body = response->body;
    token_answer_read(fetch->source->tokens->host, response, &fetch->answer);
    egx_buf_release(&body);
    fetch_end(fetch);
}

static void fetch_send(struct fetch *fetch) {
    const struct token_recipe *recipe = &fetch->source->recipe;
    const struct tokens *tokens = fetch->source->tokens;
    const int is_post = recipe->body.len > 0;
    size_t count = 0;
    fetch->headers[count++] = (struct eg_kv){EGX_STR("Accept"), EGX_STR("application/json")};
    if (is_post) {
        fetch->headers[count++] =
            (struct eg_kv){EGX_STR("Content-Type"), EGX_STR("application/x-www-form-urlencoded")};
    }
    if (recipe->header.name.len > 0) {
        fetch->headers[count++] = recipe->header;
    }
    fetch->request = (struct eg_http_request){
        .struct_size = sizeof fetch->request,
        .flags = EG_HTTP_NO_REDIRECT,
        .method = is_post ? EGX_STR("POST") : EGX_STR("GET"),
        .url = recipe->url,
        .headers = fetch->headers,
        .header_count = count,
        .body = egx_json_text(&fetch->body),
        .timeout_ns = tokens->limits.timeout_ns,
        .max_response_bytes = ANSWER_BYTES_MAX,
        .ca_file = tokens->limits.ca_file,
    };
    const int32_t status = tokens->host->http->send(tokens->host, fetch->loop, &fetch->request,
                                                    on_response, fetch, &fetch->call);
    if (status < 0) {
        token_answer_fail(&fetch->answer, status,
                          status == EG_E_INVAL ? EG_CALL_PERMANENT : EG_CALL_TRANSIENT,
                          "the token endpoint cannot be called");
        fetch_end(fetch);
    }
}

/* Pool thread. */
static void read_file(void *arg) {
    struct fetch *fetch = arg;
    FILE *file = fopen(fetch->source->recipe.file.ptr, "rbe");
    if (file == NULL) {
        return;
    }
    char *content = malloc(FILE_BYTES_MAX);
    fetch->content_len = content == NULL ? 0 : fread(content, 1, FILE_BYTES_MAX, file);
    fetch->content = content;
    (void)fclose(file);
}

static void on_file(void *arg) {
    struct fetch *fetch = arg;
    struct eg_str text = egx_str_n(fetch->content, fetch->content == NULL ? 0 : fetch->content_len);
    while (text.len > 0 && (unsigned char)text.ptr[text.len - 1] <= ' ') {
        text.len--;
    }
    if (text.len == 0 || text.len == FILE_BYTES_MAX) {
        token_answer_fail(&fetch->answer, EG_E_IO, EG_CALL_AUTH,
                          "the federated token file is missing, empty or too big");
        fetch_end(fetch);
        return;
    }
    egx_put_percent(&fetch->body, text, "");
    fetch_send(fetch);
}

/* Never inside token_get: a fetch that fails at once would tell those who do not wait yet. */
static void fetch_begin(void *arg) {
    struct fetch *fetch = arg;
    const struct eg_host *host = fetch->source->tokens->host;
    egx_json_raw(&fetch->body, fetch->source->recipe.body);
    if (fetch->source->recipe.file.len == 0) {
        fetch_send(fetch);
        return;
    }
    const int32_t status = host->loop->run_blocking(host, fetch->loop, read_file, on_file, fetch);
    if (status < 0) {
        token_answer_fail(&fetch->answer, status, EG_CALL_TRANSIENT,
                          "no room to read the federated token file");
        fetch_end(fetch);
    }
}

int token_refused(struct token_source *source, const struct token *token) {
    const struct eg_host *host = source->tokens->host;
    const uint64_t now_ns = host->clock->monotonic_ns(host);
    struct token *dead = NULL;
    int is_worth = 1;
    lock(source->tokens);
    if (source->token == token) {
        /* Who refuses every token must not take it from all others with every call. */
        is_worth = now_ns >= source->give_up_ns;
        if (is_worth) {
            source->give_up_ns = now_ns + AGAIN_NS;
            dead = drop(source->token);
            source->token = NULL;
        }
    }
    unlock(source->tokens);
    free_token(host, dead);
    return is_worth;
}

struct token *token_get(struct token_source *source, struct token_want *want) {
    struct tokens *tokens = source->tokens;
    const struct eg_host *host = tokens->host;
    const uint64_t now_ns = host->clock->monotonic_ns(host);
    struct token *usable = NULL;
    struct token *dead = NULL;
    lock(tokens);
    if (source->token != NULL && now_ns >= source->token->expire_ns) {
        dead = drop(source->token);
        source->token = NULL;
    }
    usable = source->token;
    const int is_wanted =
        usable == NULL || (now_ns >= usable->renew_ns && now_ns >= source->again_ns);
    const int is_mine = is_wanted && !source->is_fetching;
    if (usable != NULL) {
        usable->refs++;
    } else {
        link_want(source, want);
    }
    source->is_fetching |= (uint32_t)is_mine;
    source->refs += (uint32_t)is_mine;
    unlock(tokens);
    free_token(host, dead);
    if (is_mine) {
        struct fetch *fetch = host->mem->alloc(host, sizeof *fetch);
        fetch->source = source;
        fetch->loop = want->loop;
        host->loop->post(host, want->loop, fetch_begin, fetch);
    }
    return usable;
}
