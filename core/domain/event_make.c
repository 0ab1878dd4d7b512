/*
 * domain/event_make.c - events of the gateway itself: http.request, legacy and system events
 * (chapter 5.4), in 0.1 or, where the configuration says so, in 1.0. Random numbers and time come
 * with the seed. Also the questions of the plugin ABI to an event's attributes.
 */
#include "base/check.h"
#include "base/clock.h"
#include "domain/event_internal.h"

#define SOURCE GW_STR("https://serverless.com/event-gateway/#transformationVersion=0.1")
#define OWN_EXTENSION GW_STR("{\"transformed\":\"true\",\"transformation-version\":\"0.1\"}")

struct eg_event *gw_event_new(struct gw_arena *arena, const struct gw_event_seed *seed,
                              struct eg_str type, struct eg_str content_type) {
    struct eg_event *event = gw_arena_zalloc(arena, sizeof *event);
    char *texts = gw_arena_alloc(arena, sizeof seed->uuid + 36);
    event->arena = arena;
    event->version = seed->version >= EG_CE_1_0 ? seed->version : EG_CE_0_1;
    event->spec_version = gw_ce_versions[event->version].text;
    event->type = type;
    event->source = SOURCE;
    event->content_type = content_type;
    memcpy(texts, seed->uuid, sizeof seed->uuid);
    event->id = gw_str(texts, sizeof seed->uuid);
    event->time =
        gw_str(texts + sizeof seed->uuid, gw_rfc3339(seed->unix_ns, texts + sizeof seed->uuid));
    (void)gw_extension_put(event, GW_STR("eventgateway"), OWN_EXTENSION);
    return event;
}

struct eg_event *gw_event_make(struct gw_arena *arena, const struct gw_event_seed *seed,
                               struct eg_str type, struct eg_str content_type,
                               struct eg_str data_json) {
    struct eg_event *event = gw_event_new(arena, seed, type, content_type);
    event->data_json = data_json;
    return event;
}

/* Copies the data when the parameters do not fit where they were. */
static char *params_room(struct eg_event *event, size_t need) {
    if (need <= event->data_room) {
        return (char *)(uintptr_t)event->data_json.ptr;
    }
    char *copy = gw_arena_alloc(event->arena, need);
    memcpy(copy, event->data_json.ptr, event->params_at);
    event->data_room = need;
    return copy;
}

void gw_event_set_params(struct eg_event *event, const struct gw_path_params *params) {
    if (!event->has_params_slot) {
        return;
    }
    struct gw_bytes text;
    gw_bytes_init_arena(&text, event->arena, 128);
    gw_event_write_params(&text, params);
    const size_t end = event->params_at + text.len;
    char *data = params_room(event, end + 1);
    memcpy(data + event->params_at, text.ptr, text.len);
    data[end] = '}';
    event->data_json = gw_str(data, end + 1);
    gw_event_changed(event);
}

static const struct {
    struct eg_str name;
    size_t offset;
} attributes[] = {
    {{"id", 2}, offsetof(struct eg_event, id)},
    {{"source", 6}, offsetof(struct eg_event, source)},
    {{"type", 4}, offsetof(struct eg_event, type)},
    {{"specversion", 11}, offsetof(struct eg_event, spec_version)},
    {{"subject", 7}, offsetof(struct eg_event, subject)},
    {{"time", 4}, offsetof(struct eg_event, time)},
    {{"datacontenttype", 15}, offsetof(struct eg_event, content_type)},
    {{"dataschema", 10}, offsetof(struct eg_event, schema)},
    {{"eventtypeversion", 16}, offsetof(struct eg_event, type_version)},
};

struct eg_str *gw_event_attribute_slot(struct eg_event *event, struct eg_str name) {
    for (size_t i = 0; i < GW_COUNT(attributes); i++) {
        if (gw_str_eq(attributes[i].name, name)) {
            return (struct eg_str *)(void *)((char *)event + attributes[i].offset);
        }
    }
    return NULL;
}

struct eg_str gw_event_attribute(const struct eg_event *event, struct eg_str name) {
    const struct eg_str *slot = gw_event_attribute_slot((struct eg_event *)(uintptr_t)event, name);
    return slot == NULL ? (struct eg_str){0} : *slot;
}
