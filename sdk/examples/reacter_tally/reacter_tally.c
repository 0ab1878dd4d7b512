/*
 * reacter_tally - counts events by their type: the metric
 * eventgateway_tally_events_total{type="user.created"}, and so on.
 *
 * Strangers may send any type, so there are never more than `types` metrics; the rest is counted as
 * "other". Events come on several loops at once: the list only grows, under a lock that is never
 * held across a call out.
 */
#include <eventgw-sdk/egx.h>
#include <pthread.h>

#define TYPES_MAX 1000

struct tally_settings {
    int64_t types;
};
EGX_SETTING_INT(tally_settings, types, 1, TYPES_MAX, "100", "How many types are told apart.");
static const struct eg_setting *const rows[] = {EGX_ROW(tally_settings, types)};

struct kind {
    struct eg_str type;       /* ours */
    struct eg_metric *metric; /* NULL until it is made */
};
struct tally {
    const struct eg_host *host;
    const struct tally_settings *settings; /* borrowed until destroy */
    struct eg_metric *other;
    pthread_mutex_t lock; /* of all below */
    struct kind kinds[TYPES_MAX];
    size_t count;
};

static struct eg_metric *make_metric(const struct eg_host *host, struct eg_str type) {
    const struct eg_kv label = {EGX_STR_INIT("type"), type};
    return host->metrics->counter(host, EGX_STR("tally_events_total"),
                                  EGX_STR("Events received, by type."), &label, 1);
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct tally *tally = host->mem->alloc(host, sizeof *tally);
    if (pthread_mutex_init(&tally->lock, NULL) != 0) {
        host->mem->free(host, tally);
        return egx_why(ret_why, EG_E_INTERNAL, "no lock can be made");
    }
    tally->host = host;
    tally->settings = settings;
    tally->other = make_metric(host, EGX_STR("other"));
    *ret_instance = tally;
    return EG_OK;
}

static void destroy(void *instance) {
    struct tally *tally = instance;
    for (size_t i = 0; i < tally->count; i++) {
        tally->host->mem->free(tally->host, (void *)(uintptr_t)tally->kinds[i].type.ptr);
    }
    (void)pthread_mutex_destroy(&tally->lock);
    tally->host->mem->free(tally->host, tally);
}

static const struct eg_interest received = {.struct_size = sizeof received,
                                            .mode = EG_INTEREST_ASYNC,
                                            .event_type = "eventgateway.event.received"};
static const struct eg_interest *const all[] = {&received};

static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    (void)instance;
    *ret_count = EGX_COUNT(all);
    return all;
}

/* NULL when it is not there. With the lock. */
static struct kind *find(struct tally *tally, struct eg_str type) {
    for (size_t i = 0; i < tally->count; i++) {
        if (egx_str_eq(tally->kinds[i].type, type)) {
            return &tally->kinds[i];
        }
    }
    return NULL;
}

/* The type's place in the list, a new one if there is room; else NULL. */
static struct kind *place_of(struct tally *tally, struct eg_str type) {
    char *copy = tally->host->mem->alloc(tally->host, type.len);
    memcpy(copy, type.ptr, type.len);
    (void)pthread_mutex_lock(&tally->lock);
    struct kind *kind = find(tally, type);
    const int is_new = kind == NULL && tally->count < (size_t)tally->settings->types;
    if (is_new) {
        kind = &tally->kinds[tally->count++];
        kind->type = egx_str_n(copy, type.len);
    }
    (void)pthread_mutex_unlock(&tally->lock);
    if (!is_new) {
        tally->host->mem->free(tally->host, copy);
    }
    return kind;
}

/* Two loops may make it at once: the same name and label are the same metric. */
static struct eg_metric *metric_of(struct tally *tally, struct eg_str type) {
    (void)pthread_mutex_lock(&tally->lock);
    struct kind *kind = find(tally, type);
    struct eg_metric *metric = kind != NULL ? kind->metric : NULL;
    (void)pthread_mutex_unlock(&tally->lock);
    kind = metric == NULL && type.len > 0 ? place_of(tally, type) : NULL;
    if (kind == NULL) {
        return metric != NULL ? metric : tally->other;
    }
    metric = make_metric(tally->host, kind->type);
    (void)pthread_mutex_lock(&tally->lock);
    kind->metric = metric;
    (void)pthread_mutex_unlock(&tally->lock);
    return metric;
}

/* The system event has the event that was received in data.event. */
static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    struct tally *tally = instance;
    const struct eg_json_api *json = tally->host->json;
    struct eg_json *root = NULL;
    uint32_t is_base64 = 0;
    (void)slot;
    (void)op;
    const struct eg_str data = tally->host->event->data(event, &is_base64);
    if (is_base64 || json->parse(tally->host, data, &root, NULL) < 0) {
        tally->host->metrics->add(tally->other, 1);
        return EG_NEXT;
    }
    const struct eg_json *inner = json->member(root, EGX_STR("event"));
    struct eg_str type = json->string(json->member(inner, EGX_STR("type")));
    if (type.len == 0) { /* CloudEvents 0.1 */
        type = json->string(json->member(inner, EGX_STR("eventType")));
    }
    tally->host->metrics->add(metric_of(tally, type), 1);
    json->free(tally->host, root);
    return EG_NEXT;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_reacter_ops ops = {
    .struct_size = sizeof ops, .interests = interests, .react = react};
EGX_COMPONENT(tally_component, EG_KIND_REACTER, "tally", "Counts events by their type.",
              tally_settings, rows, &life, &ops);
EGX_PLUGIN("reacter_tally", "1.0.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &tally_component)
