/*
 * domain/event_versions.c - the attributes of CloudEvents 0.1, 0.2, 0.3 and 1.0, and of the events
 * of 2017, as tables: names,
 * where they live in struct eg_event, what they have to look like, and in which order they are
 * written. Everything else in the codec walks these rows.
 *
 * Names of 0.1 are those of the 2018 clients (eventType); from 0.2 on they are lower case and
 * extensions stand flat beside them. Pure data, any thread.
 */
#include "base/check.h"
#include "domain/event_internal.h"

#define NAME(text)                                                                                 \
    { .ptr = (text), .len = sizeof(text) - 1 }
#define NAMES(text) .name = NAME(text), .label = NAME(",\"" text "\":")
#define TEXT(text, label, member, flag_bits, rule)                                                 \
    {                                                                                              \
        NAMES(text), .field = (label), .offset = (uint16_t)offsetof(struct eg_event, member),      \
                     .kind = GW_AT_TEXT, .flags = (flag_bits), .check = (rule)                     \
    }
#define OTHER(text, what)                                                                          \
    { NAMES(text), .field = (text), .kind = (what) }

#define MUST (GW_AT_REQUIRED | GW_AT_ALWAYS)

/* Chapter 5.3. An empty source is told by the rule `uri`, so it is not marked as required. */
static const struct gw_attr attrs_0_1[] = {
    TEXT("eventType", "EventType", type, MUST, GW_CHECK_NONE),
    TEXT("eventTypeVersion", "EventTypeVersion", type_version, 0, GW_CHECK_NONE),
    TEXT("cloudEventsVersion", "CloudEventsVersion", spec_version, MUST, GW_CHECK_NONE),
    TEXT("source", "Source", source, GW_AT_ALWAYS, GW_CHECK_URI),
    TEXT("eventID", "EventID", id, MUST, GW_CHECK_NONE),
    TEXT("eventTime", "EventTime", time, 0, GW_CHECK_TIME),
    TEXT("schemaURL", "SchemaURL", schema, 0, GW_CHECK_NONE),
    OTHER("extensions", GW_AT_EXTENSIONS),
    TEXT("contentType", "ContentType", content_type, 0, GW_CHECK_NONE),
    {NAMES("data"), .field = "data", .kind = GW_AT_DATA, .flags = GW_AT_NULL},
};
/* CloudEvents 0.2, JSON format 3. */
static const struct gw_attr attrs_0_2[] = {
    TEXT("specversion", "specversion", spec_version, MUST, GW_CHECK_NONE),
    TEXT("type", "type", type, MUST, GW_CHECK_NONE),
    TEXT("source", "source", source, MUST, GW_CHECK_URI_REFERENCE),
    TEXT("id", "id", id, MUST, GW_CHECK_NONE),
    TEXT("time", "time", time, 0, GW_CHECK_TIME),
    TEXT("schemaurl", "schemaurl", schema, 0, GW_CHECK_URI_REFERENCE),
    TEXT("contenttype", "contenttype", content_type, 0, GW_CHECK_MEDIA_TYPE),
    OTHER("", GW_AT_EXTENSIONS),
    OTHER("data", GW_AT_DATA),
};
/* CloudEvents 0.3: subject and datacontentencoding are new, contenttype is renamed. */
static const struct gw_attr attrs_0_3[] = {
    TEXT("specversion", "specversion", spec_version, MUST, GW_CHECK_NONE),
    TEXT("type", "type", type, MUST, GW_CHECK_NONE),
    TEXT("source", "source", source, MUST, GW_CHECK_URI_REFERENCE),
    TEXT("subject", "subject", subject, 0, GW_CHECK_NONE),
    TEXT("id", "id", id, MUST, GW_CHECK_NONE),
    TEXT("time", "time", time, 0, GW_CHECK_TIME),
    TEXT("schemaurl", "schemaurl", schema, 0, GW_CHECK_URI_REFERENCE),
    TEXT("datacontenttype", "datacontenttype", content_type, 0, GW_CHECK_MEDIA_TYPE),
    TEXT("datacontentencoding", "datacontentencoding", content_encoding, 0, GW_CHECK_NONE),
    OTHER("", GW_AT_EXTENSIONS),
    OTHER("data", GW_AT_DATA),
};
/* CloudEvents 1.0: data_base64 takes the place of datacontentencoding. */
static const struct gw_attr attrs_1_0[] = {
    TEXT("specversion", "specversion", spec_version, MUST, GW_CHECK_NONE),
    TEXT("type", "type", type, MUST, GW_CHECK_NONE),
    TEXT("source", "source", source, MUST, GW_CHECK_URI_REFERENCE),
    TEXT("subject", "subject", subject, 0, GW_CHECK_NONE),
    TEXT("id", "id", id, MUST, GW_CHECK_NONE),
    TEXT("time", "time", time, 0, GW_CHECK_TIME),
    TEXT("dataschema", "dataschema", schema, 0, GW_CHECK_URI_REFERENCE),
    TEXT("datacontenttype", "datacontenttype", content_type, 0, GW_CHECK_MEDIA_TYPE),
    OTHER("", GW_AT_EXTENSIONS),
    OTHER("data", GW_AT_DATA),
    OTHER("data_base64", GW_AT_DATA_BASE64),
};

/* Chapter 15.3. The source is what CloudEvents made of such an event have to have. */
static const struct gw_attr attrs_2017[] = {
    TEXT("event", "Event", type, MUST, GW_CHECK_NONE),
    TEXT("id", "ID", id, MUST, GW_CHECK_NONE),
    {NAMES("receivedAt"), .field = "ReceivedAt",
     .offset = (uint16_t)offsetof(struct eg_event, time), .kind = GW_AT_MILLIS, .flags = MUST,
     .check = GW_CHECK_TIME},
    {NAMES("data"), .field = "Data", .kind = GW_AT_DATA, .flags = GW_AT_NULL},
    TEXT("dataType", "DataType", content_type, GW_AT_ALWAYS, GW_CHECK_NONE),
    TEXT("source", "Source", source, GW_AT_REQUIRED | GW_AT_UNWRITTEN, GW_CHECK_URI_REFERENCE),
};

#define ROWS(table) .attrs = (table), .attr_count = GW_COUNT(table)
const struct gw_ce_version gw_ce_versions[GW_CE_VERSIONS] = {
    [EG_CE_0_1] = {.text = NAME("0.1"), ROWS(attrs_0_1), .is_any_case = true},
    [EG_CE_0_2] = {.text = NAME("0.2"), ROWS(attrs_0_2)},
    [EG_CE_0_3] = {.text = NAME("0.3"), ROWS(attrs_0_3)},
    [EG_CE_1_0] = {.text = NAME("1.0"), ROWS(attrs_1_0)},
    [GW_CE_2017] = {ROWS(attrs_2017), .media_type = NAME("application/json")},
};

const struct gw_attr *gw_attr_find(const struct gw_ce_version *version, struct eg_str name) {
    for (size_t i = 0; name.len > 0 && i < version->attr_count; i++) {
        const struct eg_str known = version->attrs[i].name;
        if (known.len == name.len && memcmp(known.ptr, name.ptr, name.len) == 0) {
            return &version->attrs[i];
        }
    }
    return NULL;
}

const struct gw_attr *gw_attr_find_raw(const struct gw_ce_version *version,
                                       struct eg_str raw_name) {
    const bool has_escapes = raw_name.len > 0 && memchr(raw_name.ptr, '\\', raw_name.len) != NULL;
    if (!has_escapes && !version->is_any_case) {
        return gw_attr_find(version, raw_name);
    }
    for (size_t i = 0; i < version->attr_count; i++) {
        const struct eg_str known = version->attrs[i].name;
        if (known.len == 0 || (!has_escapes && known.len != raw_name.len)) {
            continue;
        }
        if (version->is_any_case ? gw_jname_eq_nocase(raw_name, known)
                                 : gw_jname_eq(raw_name, known)) {
            return &version->attrs[i];
        }
    }
    return NULL;
}

uint32_t gw_ce_version_of(struct eg_str specversion) {
    for (uint32_t v = EG_CE_0_2; v <= EG_CE_1_0; v++) {
        if (gw_str_eq(specversion, gw_ce_versions[v].text)) {
            return v;
        }
    }
    return 0;
}
