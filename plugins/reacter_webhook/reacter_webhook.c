/*
 * reacter_webhook - posts system events to a URL: CloudEvents 1.0 in the JSON batch format, signed
 * as Standard Webhooks say when there is a secret. egx_outbox.h does the rest: queue, batches,
 * tries.
 *
 * Loop threads hand events over, each to the box of its loop; all else is read-only.
 */
#include <eventgw-sdk/egx_outbox.h>
#include <eventgw-sdk/egx_reacter.h>

#include "sign.h"

struct webhook_settings {
    struct eg_str url;
    struct eg_str_list events;
    struct eg_str secret;
    struct egx_outbox_settings outbox;
};
EGX_SETTING_REQUIRED(webhook_settings, url, "Where events are posted to, http:// or https://.");
EGX_SETTING_LIST(webhook_settings, events, NULL, "Types of system events; empty = all four.");
EGX_SETTING_SECRET(webhook_settings, secret,
                   "Signs as Standard Webhooks say: whsec_ and base64; several with spaces.");
EGX_OUTBOX_SETTINGS(webhook_settings);
static const struct eg_setting *const rows[] = {
    EGX_ROW(webhook_settings, url), EGX_ROW(webhook_settings, events),
    EGX_ROW(webhook_settings, secret), EGX_OUTBOX_ROWS(webhook_settings)};

struct webhook {
    struct egx_interests interests; /* first, for egx_interests_of */
    struct egx_outbox_rules rules;
    struct signing_keys keys;
};

/* Standard Webhooks leave to the sender what is worth another try; these are the answers that are
 * about the moment and not about the request. */
static int is_retryable(int32_t status) {
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* The id is the batch's, the same in every try, so that the receiver can tell a repetition; the
 * time is that of the try, so that a late one is not taken for a replay. */
static int32_t prepare(void *arg, struct egx_outbox *box, struct eg_str body) {
    const struct webhook *webhook = arg;
    const int64_t now = webhook->rules.host->clock->unix_ns(webhook->rules.host) / 1000000000;
    struct egx_json signature = egx_json_begin();
    char id[40];
    char time[24];
    (void)snprintf(id, sizeof id, "msg_%s", box->batch_id);
    (void)snprintf(time, sizeof time, "%lld", (long long)now);
    int32_t rc = egx_outbox_header(box, EGX_STR("webhook-id"), egx_str_c(id));
    rc = rc < 0 ? rc : egx_outbox_header(box, EGX_STR("webhook-timestamp"), egx_str_c(time));
    if (rc == EG_OK && webhook->keys.count > 0) {
        rc = webhook_events_sign(&webhook->keys, egx_str_c(id), now, body, &signature);
        rc = rc < 0
                 ? rc
                 : egx_outbox_header(box, EGX_STR("webhook-signature"), egx_json_text(&signature));
    }
    egx_json_free(&signature);
    return rc;
}

static int32_t set_up(struct webhook *webhook, const struct eg_host *host,
                      const struct webhook_settings *settings, struct eg_why *ret_why) {
    webhook->rules = (struct egx_outbox_rules){
        .host = host,
        .settings = &settings->outbox,
        .url = settings->url,
        .content_type = EGX_STR("application/cloudevents-batch+json"),
        .noun = "events",
        .before = EGX_STR("["),
        .after = EGX_STR("]"),
        .is_retryable = is_retryable,
        .arg = webhook,
        .prepare = prepare,
    };
    int32_t rc = egx_interests_choose(&settings->events, "events", &webhook->interests, ret_why);
    rc = rc < 0 ? rc : webhook_events_keys(settings->secret, &webhook->keys, ret_why);
    return rc < 0 ? rc : egx_outbox_begin(&webhook->rules, "url", ret_why);
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct webhook *webhook = host->mem->alloc(host, sizeof *webhook);
    const int32_t rc = set_up(webhook, host, settings, ret_why);
    if (rc < 0) {
        host->mem->free(host, webhook);
        return rc;
    }
    *ret_instance = webhook;
    return EG_OK;
}

static int32_t start(void *instance, struct eg_op *op) {
    const struct webhook *webhook = instance;
    if (egx_outbox_check_files(&webhook->rules, op) == EG_OK) {
        egx_done_ok(op);
    }
    return EG_OK;
}

static int32_t attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    struct webhook *webhook = instance;
    *ret_slot = egx_outbox_attach(&webhook->rules, loop);
    return EG_OK;
}

static void detach(void *instance, void *slot) {
    (void)instance;
    egx_outbox_detach(slot);
}

static void drain(void *instance) {
    struct webhook *webhook = instance;
    egx_outbox_drain(&webhook->rules);
}

static void destroy(void *instance) {
    struct webhook *webhook = instance;
    egx_outbox_end(&webhook->rules);
    webhook->rules.host->mem->free(webhook->rules.host, webhook);
}

static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    const struct webhook *webhook = instance;
    (void)op;
    egx_outbox_push(slot, webhook->rules.host->event->json(event, EG_CE_1_0), 1);
    return EG_NEXT;
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
    .struct_size = sizeof ops, .interests = egx_interests_of, .react = react};
EGX_COMPONENT(webhook_component, EG_KIND_REACTER, "webhook_events",
              "Posts system events to a URL, in batches.", webhook_settings, rows, &life, &ops);
EGX_PLUGIN("reacter_webhook", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &webhook_component)
