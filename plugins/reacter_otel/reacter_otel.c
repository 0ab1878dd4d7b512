/*
 * reacter_otel - exports a trace per request to an OpenTelemetry collector: OTLP over HTTP in JSON,
 * `POST <endpoint>/v1/traces`. The host makes the spans; egx_outbox.h delivers them.
 *
 * Loop threads hand traces over, each to the box of its loop; all else is read-only.
 */
#include <eventgw-sdk/egx_outbox.h>

#include "gzip.h"
#include "resource.h"
#include "span.h"

struct otel_settings {
    struct eg_str endpoint;
    struct eg_str service_name;
    struct eg_str instance_id;
    struct eg_str_list resource;
    struct eg_str compression;
    struct egx_outbox_settings outbox;
};
EGX_SETTING_STRING(otel_settings, endpoint, "http://127.0.0.1:4318",
                   "Address of the collector; /v1/traces is appended.");
EGX_SETTING_STRING(otel_settings, service_name, "event-gateway",
                   "Resource attribute service.name.");
EGX_SETTING_STRING(otel_settings, instance_id, NULL,
                   "Resource attribute service.instance.id; empty = a random one.");
EGX_SETTING_LIST(otel_settings, resource, NULL, "Further resource attributes, \"name=value\".");
EGX_SETTING_CHOICE(otel_settings, compression, "none|gzip", "none", "How the body is compressed.");
EGX_OUTBOX_SETTINGS(otel_settings);
static const struct eg_setting *const rows[] = {
    EGX_ROW(otel_settings, endpoint),    EGX_ROW(otel_settings, service_name),
    EGX_ROW(otel_settings, instance_id), EGX_ROW(otel_settings, resource),
    EGX_ROW(otel_settings, compression), EGX_OUTBOX_ROWS(otel_settings)};

struct otel {
    struct egx_outbox_rules rules;
    struct egx_json url;
    struct egx_json before; /* what stands before the spans */
};

/* "Retryable Response Codes": these; all others must not be sent again. */
static int is_retryable(int32_t status) {
    return status == 429 || (status >= 502 && status <= 504);
}

static int32_t encode(void *arg, struct egx_json *body) {
    (void)arg;
    return otel_gzip(body);
}

static int32_t prepare(void *arg, struct egx_outbox *box, struct eg_str body) {
    (void)arg;
    (void)body;
    return egx_outbox_header(box, EGX_STR("Content-Encoding"), EGX_STR("gzip"));
}

/* 64-bit numbers are strings in OTLP's JSON, and receivers are lenient about it. */
static size_t count_of(const struct eg_json_api *json, const struct eg_json *value) {
    const int64_t number = json->kind(value) == EG_JSON_STRING ? egx_digits(json->string(value))
                                                               : json->integer(value);
    return number < 0 ? 0 : (size_t)number;
}

/* "Partial Success": what was rejected is lost, and must not be sent again. */
static size_t accepted(void *arg, const struct eg_http_response *response) {
    const struct otel *otel = arg;
    const struct eg_host *host = otel->rules.host;
    struct eg_json *root = NULL;
    if (response->body.len == 0 ||
        host->json->parse(host, egx_str_n(response->body.ptr, response->body.len), &root, NULL) <
            0) {
        return 0;
    }
    const struct eg_json *partial = host->json->member(root, EGX_STR("partialSuccess"));
    const size_t rejected =
        count_of(host->json, host->json->member(partial, EGX_STR("rejectedSpans")));
    const struct eg_str message =
        host->json->string(host->json->member(partial, EGX_STR("errorMessage")));
    if (rejected > 0 || message.len > 0) {
        egx_log(host, rejected > 0 ? EG_LOG_WARN : EG_LOG_DEBUG,
                "the collector rejected %zu spans: %.*s", rejected, EGX_FMT(message));
    }
    host->json->free(host, root);
    return rejected;
}

static void free_otel(struct otel *otel) {
    const struct eg_host *host = otel->rules.host;
    egx_json_free(&otel->url);
    egx_json_free(&otel->before);
    host->mem->free(host, otel);
}

static void put_url(struct egx_json *out, struct eg_str endpoint) {
    while (endpoint.len > 0 && endpoint.ptr[endpoint.len - 1] == '/') {
        endpoint.len--;
    }
    egx_json_raw(out, endpoint);
    egx_json_raw(out, EGX_STR("/v1/traces"));
}

static int32_t set_up(struct otel *otel, const struct eg_host *host,
                      const struct otel_settings *settings, struct eg_why *ret_why) {
    const int is_gzip = egx_str_eq(settings->compression, EGX_STR("gzip"));
    const struct otel_resource resource = {settings->service_name, settings->instance_id,
                                           &settings->resource};
    const int32_t rc = otel_put_resource(&otel->before, host, &resource, ret_why);
    if (rc < 0) {
        return rc;
    }
    put_url(&otel->url, settings->endpoint);
    otel->rules = (struct egx_outbox_rules){
        .host = host,
        .settings = &settings->outbox,
        .url = egx_json_text(&otel->url),
        .content_type = EGX_STR("application/json"),
        .noun = "spans",
        .before = egx_json_text(&otel->before),
        .after = EGX_STR(OTEL_AFTER_SPANS),
        .is_retryable = is_retryable,
        .arg = otel,
        .encode = is_gzip ? encode : NULL,
        .prepare = is_gzip ? prepare : NULL,
        .accepted = accepted,
    };
    return egx_outbox_begin(&otel->rules, "endpoint", ret_why);
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct otel *otel = host->mem->alloc(host, sizeof *otel);
    otel->rules.host = host;
    const int32_t rc = set_up(otel, host, settings, ret_why);
    if (rc < 0) {
        free_otel(otel);
        return rc;
    }
    *ret_instance = otel;
    return EG_OK;
}

static int32_t start(void *instance, struct eg_op *op) {
    const struct otel *otel = instance;
    if (egx_outbox_check_files(&otel->rules, op) == EG_OK) {
        egx_done_ok(op);
    }
    return EG_OK;
}

static int32_t attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    struct otel *otel = instance;
    *ret_slot = egx_outbox_attach(&otel->rules, loop);
    return EG_OK;
}

static void detach(void *instance, void *slot) {
    (void)instance;
    egx_outbox_detach(slot);
}

static void drain(void *instance) {
    struct otel *otel = instance;
    egx_outbox_drain(&otel->rules);
}

static void destroy(void *instance) {
    struct otel *otel = instance;
    egx_outbox_end(&otel->rules);
    free_otel(otel);
}

/* Traces are all it wants. */
static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    static const struct eg_interest *const none[] = {NULL};
    (void)instance;
    *ret_count = 0;
    return none;
}

static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    (void)instance;
    (void)slot;
    (void)event;
    (void)op;
    return EG_NEXT;
}

static void on_trace(void *instance, void *slot, const struct eg_trace *trace) {
    struct egx_json spans = egx_json_begin();
    (void)instance;
    if (trace->span_count > 0) { /* "Senders should not create empty envelopes" */
        otel_put_trace(&spans, trace);
        egx_outbox_push(slot, egx_json_text(&spans), trace->span_count);
        egx_json_free(&spans);
    }
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .start = start,
    .attach = attach,
    .detach = detach,
    .drain = drain,
    .destroy = destroy,
};
static const struct eg_reacter_ops ops = {
    .struct_size = sizeof ops, .interests = interests, .react = react, .trace = on_trace};
EGX_COMPONENT(otel_component, EG_KIND_REACTER, "otel",
              "Exports a trace per request to an OpenTelemetry collector.", otel_settings, rows,
              &life, &ops);
EGX_PLUGIN("reacter_otel", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &otel_component)
