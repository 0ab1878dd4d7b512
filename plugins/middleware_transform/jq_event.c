/*
 * jq_event.c - the event before and after a program, as a list of changes. What is the same stays
 * as it was sent, so numbers that jq cannot hold exactly are only touched where a program touched
 * the value they are in.
 */
#include "jq_values.h"

static const struct {
    const char *name;
    int is_required;
} attributes[] = {
    {"id", 1},   {"source", 1},          {"type", 1},       {"subject", 0},
    {"time", 0}, {"datacontenttype", 0}, {"dataschema", 0}, {"eventtypeversion", 0},
};

static int is_attribute(const char *name) {
    size_t i = 0;
    while (i < EGX_COUNT(attributes) && strcmp(name, attributes[i].name) != 0) {
        i++;
    }
    return i < EGX_COUNT(attributes);
}

static int is_special(const char *name) {
    return is_attribute(name) || strcmp(name, "specversion") == 0 || strcmp(name, "data") == 0 ||
           strcmp(name, "data_base64") == 0;
}

/* Takes both. */
static int is_same(jv a, jv b) {
    return jv_equal(a, b);
}

/* ---- attributes ---- */

static void attribute(struct tr_changes *changes, jv before, jv after, size_t i) {
    const char *name = attributes[i].name;
    jv now = tr_member(after, name);
    const jv_kind kind = jv_get_kind(now);
    const int is_gone = kind == JV_KIND_NULL;
    if (is_same(tr_member(before, name), jv_copy(now))) {
        jv_free(now);
        return;
    }
    if (is_gone && attributes[i].is_required) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "its output has no '%s'", name);
    } else if (!is_gone && (kind != JV_KIND_STRING || tr_string(now).len == 0)) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "'%s' of its output has to be a text", name);
    } else {
        tr_changes_add(changes, is_gone ? TR_REMOVE : TR_SET_TEXT, egx_str_c(name), tr_string(now));
    }
    jv_free(now);
}

static void spec_version(struct tr_changes *changes, jv before, jv after) {
    jv now = tr_member(after, "specversion");
    if (jv_get_kind(now) != JV_KIND_NULL &&
        !is_same(tr_member(before, "specversion"), jv_copy(now))) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "'specversion' cannot be changed");
    }
    jv_free(now);
}

/* ---- data ---- */

static void data(struct tr_changes *changes, jv before, jv after) {
    jv json = tr_member(after, "data");
    jv base64 = tr_member(after, "data_base64");
    const int has_json = jv_get_kind(json) != JV_KIND_NULL;
    const int has_base64 = jv_get_kind(base64) != JV_KIND_NULL;
    const int is_as_before = is_same(tr_member(before, "data"), jv_copy(json)) &&
                             is_same(tr_member(before, "data_base64"), jv_copy(base64));
    if (has_json && has_base64) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "its output has both 'data' and 'data_base64'");
    } else if (has_base64 && jv_get_kind(base64) != JV_KIND_STRING) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "'data_base64' of its output has to be a text");
    } else if (!is_as_before && has_base64) {
        tr_changes_add(changes, TR_DATA_BASE64, EGX_STR("data"), tr_string(base64));
    } else if (!is_as_before) {
        tr_changes_add_json(changes, TR_DATA_JSON, EGX_STR("data"), jv_copy(json));
    }
    jv_free(json);
    jv_free(base64);
}

/* ---- extensions ---- */

/* What CloudEvents 1.0 allows: texts, booleans, 32-bit integers. */
static int is_scalar(jv borrowed) {
    const jv_kind kind = jv_get_kind(borrowed);
    if (kind == JV_KIND_NUMBER) {
        const double number = jv_number_value(borrowed);
        return number >= INT32_MIN && number <= INT32_MAX && number == (double)(int32_t)number;
    }
    return kind == JV_KIND_STRING || kind == JV_KIND_TRUE || kind == JV_KIND_FALSE;
}

/* Takes before and now. */
static void extension(struct tr_changes *changes, struct eg_str name, jv before, jv now) {
    const int is_gone = jv_get_kind(now) == JV_KIND_NULL;
    const int is_own = tr_is_own_name(name);
    if (is_same(before, jv_copy(now)) || (is_own && is_gone)) {
        jv_free(now);
        return;
    }
    if (is_own) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT,
                          "'%.*s' of its output belongs to the gateway and cannot be changed",
                          EGX_FMT(name));
    } else if (is_gone) {
        tr_changes_add(changes, TR_REMOVE, name, egx_str_n(NULL, 0));
    } else if (!is_scalar(now)) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT,
                          "extension '%.*s' of its output has to be a text, a whole number of 32 "
                          "bits or a boolean",
                          EGX_FMT(name));
    } else {
        tr_changes_add_json(changes, TR_SET_JSON, name, jv_copy(now));
    }
    jv_free(now);
}

/* Those of `of`, or only what the other does not have. */
static void extensions(struct tr_changes *changes, jv of, jv before, jv after, int only_missing) {
    jv_object_foreach(of, key, value) {
        const char *name = jv_string_value(key);
        jv_free(value);
        if (!is_special(name) && !(only_missing && jv_object_has(jv_copy(after), jv_copy(key)))) {
            extension(changes, tr_string(key), tr_member(before, name), tr_member(after, name));
        }
        jv_free(key);
    }
}

void tr_event_changes(struct tr_changes *changes, jv before, jv after) {
    spec_version(changes, before, after);
    for (size_t i = 0; i < EGX_COUNT(attributes); i++) {
        attribute(changes, before, after, i);
    }
    extensions(changes, before, before, after, 1); /* gone */
    extensions(changes, after, before, after, 0);
    data(changes, before, after);
}
