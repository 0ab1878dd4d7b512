/*
 * fetch.c - one fetch of one ID token: from the metadata server, or from the token endpoint with a
 * request signed by a service-account key. Up to three tries, a second apart, then two. Runs on the
 * loop that started it; reading a key file and signing happen on a pool thread. A fetch owns
 * itself from start to end.
 *
 * The metadata server answers plain text to whoever says `Metadata-Flavor: Google`, and says so
 * itself: what does not is something else at that address, and no token is taken from it.
 */
#include "provider_gcf.h"

#define TRIES 3u
#define METADATA_TIMEOUT_NS (UINT64_C(3) * GCF_SECOND_NS)
#define ENDPOINT_TIMEOUT_NS (UINT64_C(10) * GCF_SECOND_NS)
#define ANSWER_MAX 65536u
#define KEY_FILE_MAX 65536u

struct gcf_fetch {
    struct gcf_fetch *next; /* in the slot's list */
    struct gcf_fetch *prev;
    struct gcf_slot *slot;
    struct gcf_source *source;
    const struct eg_host *host;
    struct eg_timer *timer;
    struct eg_http_call *handle;
    uint32_t tries;
    struct egx_json url;
    struct egx_json form; /* empty = metadata server */
    struct eg_kv header;
    struct eg_http_request request;
    int32_t work_status; /* of the pool thread */
    struct eg_why work_why;
};

static void end(struct gcf_fetch *fetch) {
    const struct eg_host *host = fetch->host;
    host->loop->timer_stop(host, fetch->timer);
    if (fetch->prev != NULL) {
        fetch->prev->next = fetch->next;
    } else {
        fetch->slot->fetches = fetch->next;
    }
    if (fetch->next != NULL) {
        fetch->next->prev = fetch->prev;
    }
    egx_json_free(&fetch->url);
    egx_json_free(&fetch->form);
    host->mem->free(host, fetch);
}

static int is_metadata(const struct gcf_fetch *fetch) {
    return fetch->source->kind == GCF_FROM_METADATA;
}

EGX_PRINTF(4, 5)
static void fail(struct gcf_fetch *fetch, int32_t status, uint32_t call_class, const char *format,
                 ...) {
    struct gcf_source *source = fetch->source;
    struct gcf_failure failure = {.status = status, .call_class = call_class};
    va_list args;
    va_start(args, format);
    (void)egx_vprint(failure.text, sizeof failure.text, format, args);
    va_end(args);
    end(fetch);
    gcf_source_failed(source, &failure);
}

static const char *place_of(const struct gcf_fetch *fetch) {
    return is_metadata(fetch) ? "the metadata server" : "the token endpoint";
}

/* ---- the answer ---- */

static int is_worth_retrying(const struct eg_http_response *response) {
    static const int32_t statuses[] = {408, 429, 500, 503, 504}; /* google-auth's */
    for (size_t i = 0; i < EGX_COUNT(statuses); i++) {
        if (response->status == statuses[i]) {
            return 1;
        }
    }
    return response->error != 0 && response->error != EG_E_TOOBIG &&
           response->error != EG_E_CANCELED;
}

static void send_request(struct gcf_fetch *fetch);

static void on_timer(void *arg) {
    struct gcf_fetch *fetch = arg;
    fetch->host->loop->timer_stop(fetch->host, fetch->timer);
    fetch->timer = NULL;
    send_request(fetch);
}

/* One second, two seconds, each a tenth more or less. */
static void retry_later(struct gcf_fetch *fetch) {
    const uint64_t base_ns = (uint64_t)GCF_SECOND_NS << (fetch->tries - 1);
    const uint64_t percent = 90 + fetch->host->clock->monotonic_ns(fetch->host) / 1000 % 21;
    fetch->timer = fetch->host->loop->timer_start(fetch->host, fetch->slot->loop,
                                                  base_ns / 100 * percent, 0, on_timer, fetch);
}

static struct eg_str trim(struct eg_str s) {
    while (s.len > 0 && (unsigned char)s.ptr[s.len - 1] <= ' ') {
        s.len--;
    }
    return s;
}

/* The member of the token endpoint's JSON answer; the root is freed by the caller. */
static struct eg_str text_member(const struct eg_host *host, const struct eg_json *root,
                                 struct eg_str name) {
    return root == NULL ? egx_str_n(NULL, 0) : host->json->string(host->json->member(root, name));
}

static void on_token(struct gcf_fetch *fetch, const struct eg_http_response *response,
                     const struct eg_json *root) {
    const struct eg_host *host = fetch->host;
    struct gcf_source *source = fetch->source;
    struct gcf_token *token = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    const struct eg_str jwt = is_metadata(fetch)
                                  ? trim(egx_str_n(response->body.ptr, response->body.len))
                                  : text_member(host, root, EGX_STR("id_token"));
    if (is_metadata(fetch) &&
        !egx_str_eq_nocase(egx_http_header(response, EGX_STR("Metadata-Flavor")),
                           EGX_STR("Google"))) {
        fail(fetch, EG_E_PROTO, EG_CALL_AUTH, "%.*s is not Google's metadata server",
             EGX_FMT(source->instance->metadata_host));
        return;
    }
    const int32_t rc = gcf_jwt_read(host, jwt, host->clock->unix_ns(host), &token, &why);
    if (rc < 0) {
        fail(fetch, rc, EG_CALL_AUTH, "%s: %.*s", place_of(fetch), (int)why.len, why.text);
        return;
    }
    end(fetch);
    gcf_source_fetched(source, token);
}

/* What no try will change: RFC 6749 5.2 names the reason in `error`. */
static void on_refusal(struct gcf_fetch *fetch, const struct eg_http_response *response,
                       const struct eg_json *root) {
    const struct eg_str error = text_member(fetch->host, root, EGX_STR("error"));
    const struct eg_str text = text_member(fetch->host, root, EGX_STR("error_description"));
    fail(fetch, EG_E_DENIED, EG_CALL_AUTH, "%s gives no ID token: HTTP status code: %d%s%.*s%s%.*s",
         place_of(fetch), (int)response->status, error.len > 0 ? ", " : "", EGX_FMT(error),
         text.len > 0 ? ": " : "", EGX_FMT(text));
}

static void on_no_answer(struct gcf_fetch *fetch, const struct eg_http_response *response) {
    if (response->error != 0) {
        fail(fetch, response->error, EG_CALL_TRANSIENT, "%s: %.*s", place_of(fetch),
             EGX_FMT(response->message));
    } else {
        fail(fetch, EG_E_UNAVAILABLE, EG_CALL_TRANSIENT, "%s: HTTP status code: %d",
             place_of(fetch), (int)response->status);
    }
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct gcf_fetch *fetch = arg;
    const struct eg_host *host = fetch->host;
    struct eg_buf body = response->body;
    struct eg_json *root = NULL;
    const int is_retryable = is_worth_retrying(response);
    fetch->handle = NULL;
    if (is_retryable && fetch->tries < TRIES &&
        !atomic_load(&fetch->source->instance->is_draining)) {
        retry_later(fetch);
        goto out;
    }
    if (is_retryable || response->error != 0) {
        on_no_answer(fetch, response);
        goto out;
    }
    if (!is_metadata(fetch) &&
        host->json->parse(host, egx_str_n(body.ptr, body.len), &root, NULL) < 0) {
        root = NULL;
    }
    if (response->status == 200) {
        on_token(fetch, response, root);
    } else {
        on_refusal(fetch, response, root);
    }
out:
    if (root != NULL) {
        host->json->free(host, root);
    }
    egx_buf_release(&body);
}

/* ---- the request ---- */

static void send_request(struct gcf_fetch *fetch) {
    const struct eg_host *host = fetch->host;
    const int is_get = is_metadata(fetch);
    fetch->header.name = is_get ? EGX_STR("Metadata-Flavor") : EGX_STR("Content-Type");
    fetch->header.value = is_get ? EGX_STR("Google") : EGX_STR("application/x-www-form-urlencoded");
    fetch->request = (struct eg_http_request){
        .struct_size = sizeof fetch->request,
        .flags = EG_HTTP_NO_REDIRECT,
        .method = is_get ? EGX_STR("GET") : EGX_STR("POST"),
        .url = egx_json_text(&fetch->url),
        .headers = &fetch->header,
        .header_count = 1,
        .body = egx_json_text(&fetch->form),
        .timeout_ns = is_get ? METADATA_TIMEOUT_NS : ENDPOINT_TIMEOUT_NS,
        .max_response_bytes = ANSWER_MAX,
        .ca_file = fetch->source->instance->settings->ca_file,
    };
    fetch->tries++;
    const int32_t rc = host->http->send(host, fetch->slot->loop, &fetch->request, on_response,
                                        fetch, &fetch->handle);
    if (rc < 0) {
        fail(fetch, rc, rc == EG_E_INVAL ? EG_CALL_AUTH : EG_CALL_TRANSIENT, "%s: %s",
             place_of(fetch), rc == EG_E_INVAL ? "its address is no URL" : egx_error_text(rc));
    }
}

static void make_metadata_url(struct gcf_fetch *fetch) {
    const struct gcf_source *source = fetch->source;
    egx_json_raw(&fetch->url, EGX_STR("http://"));
    egx_json_raw(&fetch->url, source->instance->metadata_host);
    egx_json_raw(&fetch->url, EGX_STR("/computeMetadata/v1/instance/service-accounts/default/"
                                      "identity?audience="));
    egx_put_percent(&fetch->url, egx_str_c(source->audience), "");
    egx_json_raw(&fetch->url, EGX_STR("&format=full"));
}

/* ---- on a pool thread ---- */

/* The file's text; empty when it cannot be read. It is read anew each time: keys are replaced. */
static size_t read_file(const struct gcf_fetch *fetch, char *out, size_t size) {
    const struct eg_str path = fetch->source->instance->credentials_file;
    char name[4096];
    if (path.len >= sizeof name) {
        return 0;
    }
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        return 0;
    }
    const size_t len = fread(out, 1, size, file);
    (void)fclose(file);
    return len;
}

static int32_t make_form(struct gcf_fetch *fetch, struct eg_str json) {
    const struct eg_host *host = fetch->host;
    struct eg_str uri = {0};
    struct gcf_key key;
    int32_t rc = gcf_key_read(host, json, &key, &fetch->work_why);
    if (rc < 0) {
        return rc;
    }
    rc = gcf_key_endpoint(fetch->source->instance->settings, &key, &uri, &fetch->work_why);
    if (rc >= 0) {
        egx_json_raw(&fetch->url, uri);
        /* The claim stays Google's own when the endpoint is reached in another way. */
        rc = gcf_key_form(&key, key.token_uri, egx_str_c(fetch->source->audience),
                          host->clock->unix_ns(host) / GCF_SECOND_NS, &fetch->form,
                          &fetch->work_why);
    }
    gcf_key_free(host, &key);
    return rc;
}

static void work(void *arg) {
    struct gcf_fetch *fetch = arg;
    const struct eg_host *host = fetch->host;
    if (fetch->source->kind == GCF_FROM_KEY) {
        fetch->work_status = make_form(fetch, egx_str_c(fetch->source->key));
        return;
    }
    char *text = host->mem->alloc(host, KEY_FILE_MAX);
    const size_t len = read_file(fetch, text, KEY_FILE_MAX);
    fetch->work_status = len == 0 ? egx_why(&fetch->work_why, EG_E_IO, "it cannot be read")
                                  : make_form(fetch, egx_str_n(text, len));
    explicit_bzero(text, len);
    host->mem->free(host, text);
}

static void on_work(void *arg) {
    struct gcf_fetch *fetch = arg;
    const struct eg_str file = fetch->source->instance->credentials_file;
    if (fetch->work_status >= 0) {
        send_request(fetch);
    } else if (fetch->source->kind == GCF_FROM_KEY) {
        fail(fetch, EG_E_DENIED, EG_CALL_AUTH, "serviceAccountKey: %.*s", (int)fetch->work_why.len,
             fetch->work_why.text);
    } else {
        fail(fetch, EG_E_DENIED, EG_CALL_AUTH, "the key file %.*s: %.*s", EGX_FMT(file),
             (int)fetch->work_why.len, fetch->work_why.text);
    }
}

static void link_fetch(struct gcf_slot *slot, struct gcf_fetch *fetch) {
    fetch->slot = slot;
    fetch->next = slot->fetches;
    if (slot->fetches != NULL) {
        slot->fetches->prev = fetch;
    }
    slot->fetches = fetch;
}

void gcf_fetch_stop_all(struct gcf_slot *slot) {
    struct gcf_fetch *fetch = slot->fetches;
    while (fetch != NULL) {
        struct gcf_fetch *next = fetch->next;
        if (fetch->timer != NULL) {
            fail(fetch, EG_E_UNAVAILABLE, EG_CALL_TRANSIENT, "%s does not answer", place_of(fetch));
        } else if (fetch->handle != NULL && !gcf_source_is_wanted(fetch->source)) {
            fetch->host->http->cancel(fetch->host, fetch->handle);
        }
        fetch = next;
    }
}

void gcf_fetch_start(struct gcf_source *source, struct gcf_slot *slot) {
    const struct eg_host *host = source->instance->host;
    struct gcf_fetch *fetch = host->mem->alloc(host, sizeof *fetch);
    fetch->source = source;
    fetch->host = host;
    link_fetch(slot, fetch);
    fetch->work_why.struct_size = sizeof fetch->work_why;
    if (is_metadata(fetch)) {
        make_metadata_url(fetch);
        send_request(fetch);
        return;
    }
    const int32_t rc = host->loop->run_blocking(host, slot->loop, work, on_work, fetch);
    if (rc < 0) {
        fail(fetch, rc, EG_CALL_TRANSIENT, "no thread is free to sign: %s", egx_error_text(rc));
    }
}
