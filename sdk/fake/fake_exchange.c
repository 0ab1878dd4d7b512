/*
 * fake_exchange.c - requests that the test makes and replies that it looks at; and metrics.
 */
#include "fake_parts.h"

#define HEADERS_MAX 64u
#define KEEPSAKES_MAX 16u

struct eg_exchange {
    struct egx_fake *fake;
    struct eg_str method;
    struct eg_str path;
    struct eg_str query;
    struct eg_str body;
    struct eg_kv headers[HEADERS_MAX];
    size_t header_count;
    uint32_t status;
    struct eg_str reply_body;
    struct eg_kv reply_headers[HEADERS_MAX];
    size_t reply_header_count;
    const char *principal;
    const char *context;
    struct eg_str peer;
    struct eg_str space;
    struct eg_str certificate[EG_CERT_PEM + 1];
    struct eg_str schema;
    uint64_t schema_mark;
    const struct eg_event *event;
    struct fake_keepsake {
        const struct eg_host *host;
        void *ptr;
        void (*release)(void *ptr);
    } keepsakes[KEEPSAKES_MAX];
};

static struct eg_str keep(struct egx_fake *fake, struct eg_str text) {
    return egx_str_n(fake_dup(fake, text), text.len);
}

struct eg_exchange *egx_fake_exchange(struct egx_fake *fake, const char *method,
                                      const char *target) {
    struct eg_exchange *x = fake_keep(fake, sizeof *x);
    const size_t path = strcspn(target, "?");
    x->fake = fake;
    x->method = keep(fake, egx_str_c(method));
    x->path = keep(fake, egx_str_n(target, path));
    x->query = keep(fake, egx_str_cut(egx_str_c(target), path + 1));
    x->peer = EGX_STR("127.0.0.1");
    return x;
}

static void add(struct egx_fake *fake, struct eg_kv *pairs, size_t *count, struct eg_str name,
                struct eg_str value) {
    if (*count < HEADERS_MAX) {
        pairs[*count].name = keep(fake, name);
        pairs[*count].value = keep(fake, value);
        (*count)++;
    }
}

void egx_fake_add_header(struct eg_exchange *exchange, const char *name, const char *value) {
    add(exchange->fake, exchange->headers, &exchange->header_count, egx_str_c(name),
        egx_str_c(value));
}

void egx_fake_set_body(struct eg_exchange *exchange, const char *body) {
    exchange->body = keep(exchange->fake, egx_str_c(body));
}

uint32_t egx_fake_reply_status(const struct eg_exchange *exchange) {
    return exchange->status;
}

const char *egx_fake_reply_body(const struct eg_exchange *exchange) {
    return exchange->reply_body.ptr == NULL ? "" : exchange->reply_body.ptr;
}

const char *egx_fake_reply_header(const struct eg_exchange *exchange, const char *name) {
    for (size_t i = 0; i < exchange->reply_header_count; i++) {
        if (egx_str_eq_nocase(exchange->reply_headers[i].name, egx_str_c(name))) {
            return exchange->reply_headers[i].value.ptr;
        }
    }
    return NULL;
}

const char *egx_fake_principal(const struct eg_exchange *exchange) {
    return exchange->principal;
}

void egx_fake_set_peer(struct eg_exchange *exchange, const char *address) {
    exchange->peer = keep(exchange->fake, egx_str_c(address));
}

void egx_fake_set_space(struct eg_exchange *exchange, const char *space) {
    exchange->space = keep(exchange->fake, egx_str_c(space));
}

void egx_fake_set_event(struct eg_exchange *exchange, const struct eg_event *event) {
    exchange->event = event;
}

void egx_fake_set_cert(struct eg_exchange *exchange, uint32_t field, const char *text) {
    if (field <= EG_CERT_PEM) {
        exchange->certificate[field] = keep(exchange->fake, egx_str_c(text));
    }
}

void egx_fake_set_schema(struct eg_exchange *exchange, const char *json, uint64_t mark) {
    exchange->schema = keep(exchange->fake, egx_str_c(json));
    exchange->schema_mark = mark;
}

void egx_fake_end_exchange(struct eg_exchange *exchange) {
    for (size_t i = 0; i < KEEPSAKES_MAX; i++) {
        struct fake_keepsake *k = &exchange->keepsakes[i];
        if (k->release != NULL) {
            k->release(k->ptr);
        }
        *k = (struct fake_keepsake){0};
    }
}

const char *egx_fake_principal_context(const struct eg_exchange *exchange) {
    return exchange->context;
}

/* ---- the service ---- */

static struct eg_str exchange_method(const struct eg_exchange *x) {
    return x->method;
}
static struct eg_str exchange_path(const struct eg_exchange *x) {
    return x->path;
}
static struct eg_str exchange_query(const struct eg_exchange *x) {
    return x->query;
}
static struct eg_str exchange_body(const struct eg_exchange *x) {
    return x->body;
}
static struct eg_str exchange_peer(const struct eg_exchange *x) {
    return x->peer;
}
static struct eg_str exchange_request_id(const struct eg_exchange *x) {
    (void)x;
    return EGX_STR("fake-request");
}

static struct eg_str exchange_header(const struct eg_exchange *x, struct eg_str name,
                                     size_t index) {
    for (size_t i = 0; i < x->header_count; i++) {
        if (egx_str_eq_nocase(x->headers[i].name, name) && index-- == 0) {
            return x->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

static int is_token(struct eg_str name) { /* RFC 9110 5.6.2 */
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        const int is_alnum = (egx_lower(c) >= 'a' && egx_lower(c) <= 'z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return 0;
        }
    }
    return name.len > 0;
}

static int is_value(struct eg_str value) { /* RFC 9110 5.5 */
    for (size_t i = 0; i < value.len; i++) {
        const unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return 0;
        }
    }
    return 1;
}

static int32_t exchange_reply_header(struct eg_exchange *x, struct eg_str name,
                                     struct eg_str value) {
    if (!is_token(name) || !is_value(value)) {
        return EG_E_INVAL;
    }
    add(x->fake, x->reply_headers, &x->reply_header_count, name, value);
    return EG_OK;
}

static void exchange_reply(struct eg_exchange *x, uint32_t status, struct eg_str content_type,
                           struct eg_buf body) {
    x->status = status;
    x->reply_body = keep(x->fake, egx_str_n(body.ptr, body.len));
    egx_buf_release(&body);
    if (content_type.len > 0) {
        (void)exchange_reply_header(x, EGX_STR("Content-Type"), content_type);
    }
}

static void exchange_reply_error(struct eg_exchange *x, uint32_t status, struct eg_str message) {
    struct egx_json json = egx_json_begin();
    egx_json_raw(&json, EGX_STR("{\"errors\":[{\"message\":"));
    egx_json_string(&json, message);
    egx_json_raw(&json, EGX_STR("}]}\n"));
    exchange_reply(x, status, EGX_STR("application/json"), egx_json_take(&json));
}

static uint32_t exchange_reply_status(const struct eg_exchange *x) {
    return x->status;
}
static struct eg_str exchange_reply_body(const struct eg_exchange *x) {
    return x->reply_body;
}

static int32_t exchange_set_principal(struct eg_exchange *x, struct eg_str principal_id,
                                      struct eg_str context_json) {
    x->context = fake_dup(x->fake, context_json);
    x->principal = fake_dup(x->fake, principal_id);
    return EG_OK;
}

static struct eg_str exchange_principal(const struct eg_exchange *x) {
    return egx_str_c(x->principal == NULL ? "" : x->principal);
}
static const struct eg_event *exchange_event(const struct eg_exchange *x) {
    return x->event;
}
static struct eg_str exchange_space(const struct eg_exchange *x) {
    return x->space;
}

static struct eg_str pair_at(const struct eg_kv *pairs, size_t count, size_t index,
                             struct eg_str *ret_name) {
    *ret_name = index < count ? pairs[index].name : egx_str_n(NULL, 0);
    return index < count ? pairs[index].value : egx_str_n(NULL, 0);
}

static struct eg_str exchange_header_at(const struct eg_exchange *x, size_t index,
                                        struct eg_str *ret_name) {
    return pair_at(x->headers, x->header_count, index, ret_name);
}

static struct eg_str exchange_reply_header_at(const struct eg_exchange *x, size_t index,
                                              struct eg_str *ret_name) {
    return pair_at(x->reply_headers, x->reply_header_count, index, ret_name);
}

static int32_t replace(struct egx_fake *fake, struct eg_kv *pairs, size_t *count,
                       struct eg_str name, struct eg_str value) {
    size_t left = 0;
    if (!is_token(name) || !is_value(value)) {
        return EG_E_INVAL;
    }
    for (size_t i = 0; i < *count; i++) {
        if (!egx_str_eq_nocase(pairs[i].name, name)) {
            pairs[left++] = pairs[i];
        }
    }
    *count = left;
    if (value.ptr != NULL) {
        add(fake, pairs, count, name, value);
    }
    return EG_OK;
}

static int32_t exchange_set_header(struct eg_exchange *x, struct eg_str name, struct eg_str value) {
    return replace(x->fake, x->headers, &x->header_count, name, value);
}

static int32_t exchange_set_reply_header(struct eg_exchange *x, struct eg_str name,
                                         struct eg_str value) {
    return replace(x->fake, x->reply_headers, &x->reply_header_count, name, value);
}

static struct eg_str exchange_client_cert(const struct eg_exchange *x, uint32_t field) {
    return field > EG_CERT_PEM ? egx_str_n(NULL, 0) : x->certificate[field];
}

static struct eg_str exchange_event_schema(const struct eg_exchange *x,
                                           const struct eg_event *event, size_t index,
                                           uint64_t *ret_mark) {
    (void)event;
    if (ret_mark != NULL) {
        *ret_mark = x->schema_mark;
    }
    return index == 0 ? x->schema : egx_str_n(NULL, 0);
}

static void exchange_keep(struct eg_exchange *x, const struct eg_host *host, void *ptr,
                          void (*release)(void *ptr)) {
    size_t i = 0;
    while (i < KEEPSAKES_MAX - 1 && x->keepsakes[i].host != NULL && x->keepsakes[i].host != host) {
        i++;
    }
    if (x->keepsakes[i].release != NULL) {
        x->keepsakes[i].release(x->keepsakes[i].ptr);
    }
    x->keepsakes[i] = (struct fake_keepsake){host, ptr, release};
}

static void *exchange_kept(const struct eg_exchange *x, const struct eg_host *host) {
    for (size_t i = 0; i < KEEPSAKES_MAX; i++) {
        if (x->keepsakes[i].host == host) {
            return x->keepsakes[i].ptr;
        }
    }
    return NULL;
}

const struct eg_exchange_api fake_exchange_api = {
    .struct_size = sizeof fake_exchange_api,
    .method = exchange_method,
    .path = exchange_path,
    .query = exchange_query,
    .body = exchange_body,
    .peer = exchange_peer,
    .request_id = exchange_request_id,
    .header = exchange_header,
    .reply = exchange_reply,
    .reply_error = exchange_reply_error,
    .reply_header = exchange_reply_header,
    .reply_status = exchange_reply_status,
    .reply_body = exchange_reply_body,
    .set_principal = exchange_set_principal,
    .principal = exchange_principal,
    .event = exchange_event,
    .space = exchange_space,
    .header_at = exchange_header_at,
    .set_header = exchange_set_header,
    .client_cert = exchange_client_cert,
    .reply_header_at = exchange_reply_header_at,
    .set_reply_header = exchange_set_reply_header,
    .event_schema = exchange_event_schema,
    .keep = exchange_keep,
    .kept = exchange_kept,
};

/* ---- metrics ---- */

struct eg_metric {
    const char *name;
    const char *labels; /* "a=b,c=d" */
    int64_t value;
};

static struct eg_metric *find_metric(const struct egx_fake *fake, struct eg_str name,
                                     struct eg_str labels) {
    for (size_t i = 0; i < fake->metrics.count; i++) {
        struct eg_metric *metric = fake->metrics.items[i];
        if (egx_str_eq(egx_str_c(metric->name), name) &&
            egx_str_eq(egx_str_c(metric->labels), labels)) {
            return metric;
        }
    }
    return NULL;
}

static struct eg_metric *metrics_get(const struct eg_host *host, struct eg_str name,
                                     struct eg_str help, const struct eg_kv *labels,
                                     size_t label_count) {
    struct egx_fake *fake = fake_of(host);
    struct egx_json text = egx_json_begin();
    (void)help;
    for (size_t i = 0; i < label_count; i++) {
        egx_json_raw(&text, i == 0 ? EGX_STR("") : EGX_STR(","));
        egx_json_raw(&text, labels[i].name);
        egx_json_raw(&text, EGX_STR("="));
        egx_json_raw(&text, labels[i].value);
    }
    struct eg_metric *fresh = fake_keep(fake, sizeof *fresh);
    fresh->name = fake_dup(fake, name);
    fresh->labels = fake_dup(fake, egx_json_text(&text));
    (void)pthread_mutex_lock(&fake->kept_lock);
    struct eg_metric *metric = find_metric(fake, name, egx_json_text(&text));
    if (metric == NULL) {
        metric = fresh;
        fake_push(&fake->metrics, metric);
    }
    (void)pthread_mutex_unlock(&fake->kept_lock);
    egx_json_free(&text);
    return metric;
}

static void metrics_add(struct eg_metric *metric, int64_t delta) {
    (void)__atomic_add_fetch(&metric->value, delta, __ATOMIC_RELAXED);
}
static void metrics_set(struct eg_metric *metric, int64_t value) {
    __atomic_store_n(&metric->value, value, __ATOMIC_RELAXED);
}

const struct eg_metrics_api fake_metrics_api = {
    .struct_size = sizeof fake_metrics_api,
    .counter = metrics_get,
    .gauge = metrics_get,
    .add = metrics_add,
    .set = metrics_set,
};

int64_t egx_fake_metric(const struct egx_fake *fake, const char *name, const char *labels) {
    const struct eg_metric *metric = find_metric(fake, egx_str_c(name), egx_str_c(labels));
    return metric == NULL ? INT64_MIN : metric->value;
}
