/*
 * domain/event_write.c - one event as structured JSON in any version, straight into the arena.
 *
 * In its own version an event is passed on as it came: data and extension values are the sender's
 * text. Towards another version the tables say which attribute carries which text, and:
 *   - what the other version has no attribute for becomes an extension: subject, eventtypeversion,
 *     datacontentencoding;
 *   - extension names become lower case, other characters than letters and digits are dropped
 *     (0.2 and later; 0.1 keeps every name in its `extensions` object);
 *   - 1.0 allows strings, booleans and 32-bit integers only: other values are written as a string
 *     that holds their JSON text; the members of `eventgateway` become eventgateway<member>;
 *   - binary data is data_base64 (1.0), datacontentencoding base64 (0.3), else a base64 string.
 * An extension never overwrites an attribute or another extension.
 */
#include "base/check.h"
#include "base/jwrite.h"
#include "domain/event_internal.h"

#define OWN GW_STR("eventgateway")

struct writer {
    struct gw_bytes out;
    struct eg_event *event;
    const struct gw_ce_version *target;
    uint32_t version;
    bool is_first;
    bool is_foreign;     /* the event came in another version */
    struct eg_str *seen; /* extension names written so far; only when they may collide */
    size_t seen_count;
    size_t seen_room;
};

/* What not every version has an attribute for. */
static const struct {
    uint16_t offset;
    struct eg_str name;
} movers[] = {
    {offsetof(struct eg_event, type_version), {"eventtypeversion", 16}},
    {offsetof(struct eg_event, subject), {"subject", 7}},
    {offsetof(struct eg_event, content_encoding), {"datacontentencoding", 19}},
};

/* `,"name":`, without the comma where it is the first. */
static void label(struct writer *w, struct eg_str text) {
    gw_bytes_add(&w->out, w->is_first ? gw_str_cut(text, 1) : text);
    w->is_first = false;
}

/* ---- extensions ---- */

/* May this flat name be written beside the attributes? A `subject` that came as an extension (0.2)
 * is welcome where it is an attribute. */
static bool is_free(const struct writer *w, struct eg_str flat, struct eg_str json) {
    const struct gw_attr *attr = gw_attr_find(w->target, flat);
    if (attr == NULL) {
        return flat.len > 0;
    }
    return attr->offset == offsetof(struct eg_event, subject) && attr->kind == GW_AT_TEXT &&
           w->event->subject.len == 0 && *json.ptr == '"';
}

static bool is_seen(struct writer *w, struct eg_str flat) {
    if (w->seen == NULL) {
        return false;
    }
    for (size_t i = 0; i < w->seen_count; i++) {
        if (gw_str_eq(w->seen[i], flat)) {
            return true;
        }
    }
    if (w->seen_count == w->seen_room) {
        return true;
    }
    w->seen[w->seen_count++] = flat;
    return false;
}

static bool is_int32(struct eg_str json) {
    const struct gw_jval number = {.type = GW_J_NUMBER, .raw = json};
    int64_t value = 0;
    return (*json.ptr == '-' || (*json.ptr >= '0' && *json.ptr <= '9')) &&
           gw_jnum_i64(number, &value) == EG_OK && value >= INT32_MIN && value <= INT32_MAX;
}

/* CloudEvents 1.0, type system: what an attribute may hold. */
static void scalar(struct writer *w, struct eg_str json) {
    if (*json.ptr == '"' || *json.ptr == 't' || *json.ptr == 'f' || is_int32(json)) {
        gw_bytes_add(&w->out, json);
    } else {
        gw_jw_string(&w->out, json);
    }
}

static void flat_extension(struct writer *w, struct eg_str flat, struct eg_str json,
                           bool as_scalar) {
    if (*json.ptr == 'n' || !is_free(w, flat, json) || is_seen(w, flat)) {
        return;
    }
    gw_bytes_add_c(&w->out, w->is_first ? "" : ",");
    gw_jw_string(&w->out, flat);
    gw_bytes_add_char(&w->out, ':');
    w->is_first = false;
    if (as_scalar) {
        scalar(w, json);
    } else {
        gw_bytes_add(&w->out, json);
    }
}

/* eventgateway {"transformed": ...} as eventgatewaytransformed and so on. */
static void flat_own(struct writer *w, struct eg_str json) {
    const struct gw_jval object = {.type = GW_J_OBJECT, .raw = json};
    struct gw_arena *arena = w->event->arena;
    size_t cursor = 0;
    struct eg_str raw_name;
    struct gw_jval value;
    for (size_t n = 0; n < GW_MAX_OWN_MEMBERS && gw_jobj_next(object, &cursor, &raw_name, &value);
         n++) {
        const struct eg_str member = gw_extension_flat_name(arena, gw_jstr_decode(arena, raw_name));
        const struct eg_str flat = gw_arena_printf(arena, "eventgateway%.*s", GW_FMT(member));
        flat_extension(w, flat, value.raw, true);
    }
}

static bool is_own_object(const struct gw_extension *e) {
    return gw_str_eq(e->name, OWN) && *e->json.ptr == '{';
}

static void flat_extensions(struct writer *w) {
    for (const struct gw_extension *e = w->event->extensions; e != NULL; e = e->next) {
        if (w->version == EG_CE_1_0 && is_own_object(e)) {
            flat_own(w, e->json);
            continue;
        }
        const struct eg_str flat =
            w->is_foreign ? gw_extension_flat_name(w->event->arena, e->name) : e->name;
        flat_extension(w, flat, e->json, w->is_foreign && w->version == EG_CE_1_0);
    }
}

static bool has_attribute(const struct gw_ce_version *version, uint16_t offset) {
    for (size_t i = 0; i < version->attr_count; i++) {
        if (version->attrs[i].kind == GW_AT_TEXT && version->attrs[i].offset == offset) {
            return true;
        }
    }
    return false;
}

/* Texts without an attribute in the target, as extensions. */
static void moved(struct writer *w, bool in_bag) {
    for (size_t i = 0; w->is_foreign && i < GW_COUNT(movers); i++) {
        const struct gw_attr attr = {.offset = movers[i].offset};
        const struct eg_str text = *gw_attr_text(w->event, &attr);
        const bool is_told_by_data = attr.offset == offsetof(struct eg_event, content_encoding) &&
                                     w->event->data_base64.len > 0;
        if (text.len == 0 || is_told_by_data || has_attribute(w->target, attr.offset) ||
            gw_event_extension(w->event, movers[i].name).len > 0 ||
            (!in_bag && is_seen(w, movers[i].name))) {
            continue;
        }
        gw_bytes_add_c(&w->out, w->is_first ? "" : ",");
        gw_jw_plain(&w->out, movers[i].name);
        gw_bytes_add_char(&w->out, ':');
        w->is_first = false;
        gw_jw_string(&w->out, text);
    }
}

/* The `extensions` object of 0.1; left out when it would be empty. */
static void bag(struct writer *w) {
    const size_t before = w->out.len;
    label(w, GW_STR(",\"extensions\":"));
    gw_bytes_add_char(&w->out, '{');
    const size_t empty = w->out.len;
    w->is_first = true;
    for (const struct gw_extension *e = w->event->extensions; e != NULL; e = e->next) {
        gw_bytes_add_c(&w->out, w->is_first ? "" : ",");
        gw_jw_string(&w->out, e->name);
        gw_bytes_add_char(&w->out, ':');
        gw_bytes_add(&w->out, e->json);
        w->is_first = false;
    }
    moved(w, true);
    w->is_first = false;
    if (w->out.len == empty) {
        w->out.len = before;
        return;
    }
    gw_bytes_add_char(&w->out, '}');
}

static void extensions(struct writer *w) {
    if (w->version == EG_CE_0_1) {
        bag(w);
        return;
    }
    flat_extensions(w);
    moved(w, false);
}

/* ---- attributes ---- */

static struct eg_str text_of(struct writer *w, const struct gw_attr *attr) {
    if (w->is_foreign && attr->offset == offsetof(struct eg_event, spec_version)) {
        return w->target->text;
    }
    if (attr->offset == offsetof(struct eg_event, content_encoding) &&
        w->event->data_base64.len > 0) {
        return GW_STR("base64");
    }
    if (attr->offset == offsetof(struct eg_event, content_type) && w->version == GW_CE_2017 &&
        w->event->sent_type.len > 0) {
        return w->event->sent_type;
    }
    return *gw_attr_text(w->event, attr);
}

static void data(struct writer *w, const struct gw_attr *attr) {
    const struct eg_event *event = w->event;
    if (event->data_base64.len > 0) {
        if (w->version == EG_CE_1_0) {
            return;
        }
        label(w, attr->label);
        gw_bytes_add_char(&w->out, '"');
        gw_bytes_add(&w->out, event->data_base64);
        gw_bytes_add_char(&w->out, '"');
    } else if (event->data_json.len > 0) {
        label(w, attr->label);
        gw_bytes_add(&w->out, event->data_json);
    } else if ((attr->flags & GW_AT_NULL) != 0) {
        label(w, attr->label);
        gw_bytes_add(&w->out, GW_STR("null"));
    }
}

static void attribute(struct writer *w, const struct gw_attr *attr) {
    if (attr->kind == GW_AT_EXTENSIONS) {
        extensions(w);
        return;
    }
    if (attr->kind == GW_AT_DATA) {
        data(w, attr);
        return;
    }
    const bool is_base64 = attr->kind == GW_AT_DATA_BASE64;
    const struct eg_str text = is_base64 ? w->event->data_base64 : text_of(w, attr);
    if ((text.len == 0 && (attr->flags & GW_AT_ALWAYS) == 0) ||
        (attr->flags & GW_AT_UNWRITTEN) != 0) {
        return;
    }
    label(w, attr->label);
    if (attr->kind == GW_AT_MILLIS) {
        gw_bytes_addf(&w->out, "%lld", (long long)gw_rfc3339_millis(text));
    } else {
        gw_jw_string(&w->out, text);
    }
}

/* Room for the whole text in one piece; escapes may make it grow. Also counts the names that may
 * collide. */
static size_t estimate(const struct eg_event *event, size_t *ret_names) {
    size_t room = 320 + event->type.len + event->source.len + event->id.len + event->time.len +
                  event->schema.len + event->content_type.len + event->subject.len +
                  event->spec_version.len + event->type_version.len + event->data_json.len +
                  event->data_base64.len;
    size_t names = GW_COUNT(movers) + GW_MAX_OWN_MEMBERS;
    for (const struct gw_extension *e = event->extensions; e != NULL; e = e->next) {
        room += e->name.len + e->json.len + 8;
        names++;
    }
    *ret_names = names;
    return room;
}

static struct eg_str write_event(struct eg_event *event, uint32_t version) {
    struct writer w = {.event = event,
                       .version = version,
                       .target = &gw_ce_versions[version],
                       .is_first = true,
                       .is_foreign = event->version != version};
    size_t names = 0;
    gw_bytes_init_arena(&w.out, event->arena, estimate(event, &names));
    if (version != EG_CE_0_1 && (w.is_foreign || version == EG_CE_1_0) &&
        event->extensions != NULL) {
        w.seen = gw_arena_alloc(event->arena, names * sizeof *w.seen);
        w.seen_room = names;
    }
    gw_bytes_add_char(&w.out, '{');
    for (size_t i = 0; i < w.target->attr_count; i++) {
        attribute(&w, &w.target->attrs[i]);
    }
    gw_bytes_add_char(&w.out, '}');
    return gw_bytes_str(&w.out);
}

struct eg_str gw_event_media_type(const struct eg_event *event, uint32_t version) {
    const bool is_own = version == EG_CE_AS_RECEIVED || version > EG_CE_1_0;
    return gw_ce_versions[is_own ? event->version : version].media_type;
}

struct eg_str gw_event_json(struct eg_event *event, uint32_t version) {
    if (version == EG_CE_AS_RECEIVED || version > EG_CE_1_0) {
        version = event->version;
    }
    struct eg_str *written = &event->written[version];
    if (written->len == 0) {
        *written = write_event(event, version);
    }
    return *written;
}
