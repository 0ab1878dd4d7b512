/*
 * domain/v2017_function.c - functions from bodies of the API of 2017, see the header.
 *
 * The fields that 2017 knew are checked for their types, renamed where they are called otherwise
 * now, and left out when they are empty, as it did. What it did not know goes to the provider as it
 * is, so that a function with newer fields, read and sent back, keeps them. Pure; JSON trees end
 * with the call.
 */
#include <stdio.h>

#include "base/jwrite.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/object_fields.h"
#include "domain/v2017_inner.h"

#include <eventgw/host.h>

#define PROVIDER_ROOM 256u

const struct gw_v2017_field gw_v2017_fields[GW_V2017_FIELDS] = {
    {"arn", "arn", false},
    {"region", "region", false},
    {"awsAccessKeyID", "awsAccessKeyId", false},
    {"awsSecretAccessKey", "awsSecretAccessKey", false},
    {"url", "url", false},
    {"weighted", "weighted", true},
    {"emulatorUrl", "emulatorUrl", false},
    {"apiVersion", "apiVersion", false},
};

static bool is_known(struct eg_str name) {
    for (size_t i = 0; i < GW_V2017_FIELDS; i++) {
        if (gw_str_eq_nocase(name, gw_str_c(gw_v2017_fields[i].name))) {
            return true;
        }
    }
    return gw_str_eq_nocase(name, GW_STR(GW_V2017_TYPE));
}

/* ---- reading ---- */

struct reading {
    const struct eg_json *root;
    const struct eg_json *provider; /* NULL: none was sent */
    bool is_lifting;                /* the root's fields count as those of the provider */
    struct gw_object *object;
    struct gw_bytes out; /* the provider's new text, in the object's arena */
    bool is_first;
    struct eg_why *ret_why;
};

static int32_t wrong_type(struct eg_why *ret_why, const struct eg_json *value, const char *place,
                          const char *wanted) {
    return gw_why(ret_why, EG_E_SYNTAX,
                  "json: cannot unmarshal %s into Go struct field %s of type %s",
                  gw_json_kind_name(value), place, wanted);
}

static bool is_null(const struct eg_json *value) {
    return gw_json_kind(value) == EG_JSON_NULL;
}

const struct eg_json *gw_v2017_member(const struct eg_json *object, const char *name) {
    if (gw_json_kind(object) != EG_JSON_OBJECT) {
        return NULL;
    }
    const struct eg_json *value = gw_json_member_nocase(object, gw_str_c(name));
    return is_null(value) ? NULL : value;
}

static const struct eg_json *provider_member(const struct reading *r, const char *name) {
    const struct eg_json *value = gw_v2017_member(r->provider, name);
    return value == NULL && r->is_lifting ? gw_v2017_member(r->root, name) : value;
}

static int32_t read_text(struct reading *r, const struct eg_json *value, const char *place,
                         struct eg_str *ret_text) {
    if (value == NULL) {
        return EG_OK;
    }
    if (gw_json_kind(value) != EG_JSON_STRING) {
        return wrong_type(r->ret_why, value, place, "string");
    }
    *ret_text = gw_json_string(value);
    return EG_OK;
}

static int32_t add_text(struct reading *r, const struct gw_v2017_field *field,
                        const struct eg_json *value) {
    char place[64];
    struct eg_str text = {0};
    (void)snprintf(place, sizeof place, "Provider.%s", field->name);
    const int32_t rc = read_text(r, value, place, &text);
    if (rc == EG_OK && text.len > 0) {
        gw_jw_name(&r->out, &r->is_first, field->inside);
        gw_jw_string(&r->out, text);
    }
    return rc;
}

static int32_t add_weight(struct reading *r, const struct eg_json *item) {
    struct eg_str id = {0};
    const struct eg_json *weight = gw_v2017_member(item, "weight");
    if (gw_json_kind(item) != EG_JSON_OBJECT && !is_null(item)) {
        return wrong_type(r->ret_why, item, "Provider.weighted", "WeightedFunction");
    }
    const int32_t rc =
        read_text(r, gw_v2017_member(item, "functionId"), "WeightedFunction.functionId", &id);
    if (rc < 0) {
        return rc;
    }
    if (weight != NULL && (gw_json_kind(weight) != EG_JSON_INT || gw_json_integer(weight) < 0)) {
        return wrong_type(r->ret_why, weight, "WeightedFunction.weight", "uint");
    }
    gw_bytes_add_c(&r->out, "{\"functionId\":");
    gw_jw_string(&r->out, id);
    gw_bytes_add_c(&r->out, ",\"weight\":");
    gw_bytes_add_i64(&r->out, weight == NULL ? 0 : gw_json_integer(weight));
    gw_bytes_add_char(&r->out, '}');
    return EG_OK;
}

static int32_t add_weights(struct reading *r, const struct gw_v2017_field *field,
                           const struct eg_json *value) {
    if (gw_json_kind(value) != EG_JSON_ARRAY) {
        return wrong_type(r->ret_why, value, "Provider.weighted", "[]WeightedFunction");
    }
    const size_t count = gw_json_count(value);
    if (count > 0) {
        gw_jw_name(&r->out, &r->is_first, field->name);
    }
    for (size_t i = 0; i < count; i++) {
        gw_bytes_add_char(&r->out, i == 0 ? '[' : ',');
        const int32_t rc = add_weight(r, gw_json_at(value, i, NULL));
        if (rc < 0) {
            return rc;
        }
    }
    if (count > 0) {
        gw_bytes_add_char(&r->out, ']');
    }
    return EG_OK;
}

static int32_t add_known(struct reading *r) {
    for (size_t i = 0; i < GW_V2017_FIELDS; i++) {
        const struct gw_v2017_field *field = &gw_v2017_fields[i];
        const struct eg_json *value = provider_member(r, field->name);
        if (value == NULL) {
            continue;
        }
        const int32_t rc =
            field->is_weights ? add_weights(r, field, value) : add_text(r, field, value);
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

static void add_unknown(struct reading *r) {
    const size_t count = r->provider == NULL ? 0 : gw_json_count(r->provider);
    for (size_t i = 0; i < count; i++) {
        struct eg_str name = {0};
        const struct eg_json *value = gw_json_at(r->provider, i, &name);
        if (is_null(value) || is_known(name)) {
            continue;
        }
        gw_jw_any_name(&r->out, &r->is_first, name);
        gw_json_write(&r->out, value);
    }
}

/* Only where 2017 refused the body: all that it took keeps its meaning. */
static bool has_fields_to_lift(const struct reading *r) {
    bool has_any = gw_v2017_member(r->root, GW_V2017_TYPE) != NULL;
    for (size_t i = 0; i < GW_V2017_FIELDS; i++) {
        has_any = has_any || gw_v2017_member(r->root, gw_v2017_fields[i].name) != NULL;
    }
    return has_any && gw_v2017_member(r->provider, GW_V2017_TYPE) == NULL;
}

/* No text stays behind when there is no provider at all. */
static int32_t read_provider(struct reading *r) {
    struct gw_function *function = &r->object->as.function;
    struct eg_str type = {0};
    r->provider = gw_v2017_member(r->root, "provider");
    if (r->provider != NULL && gw_json_kind(r->provider) != EG_JSON_OBJECT) {
        return wrong_type(r->ret_why, r->provider, "Function.provider", "Provider");
    }
    r->is_lifting = has_fields_to_lift(r);
    if (r->provider == NULL && !r->is_lifting) {
        return EG_OK;
    }
    int32_t rc = read_text(r, provider_member(r, GW_V2017_TYPE), "Provider.type", &type);
    if (rc < 0) {
        return rc;
    }
    gw_bytes_init_arena(&r->out, &r->object->arena, PROVIDER_ROOM);
    gw_bytes_add_char(&r->out, '{');
    rc = add_known(r);
    add_unknown(r);
    gw_bytes_add_char(&r->out, '}');
    function->type = gw_arena_dup(&r->object->arena, type);
    function->provider_json = gw_bytes_str(&r->out);
    return rc;
}

static int32_t read_function(struct reading *r, struct eg_str id) {
    const uint32_t kind = gw_json_kind(r->root);
    struct eg_str sent_id = {0};
    if (kind != EG_JSON_OBJECT && kind != EG_JSON_NULL) {
        return gw_why(r->ret_why, EG_E_SYNTAX,
                      "json: cannot unmarshal %s into Go value of type Function",
                      gw_json_kind_name(r->root));
    }
    const int32_t rc =
        read_text(r, gw_v2017_member(r->root, "functionId"), "Function.functionId", &sent_id);
    if (rc < 0) {
        return rc;
    }
    if (id.len == 0) {
        r->object->id = gw_arena_dup(&r->object->arena, sent_id);
    }
    return read_provider(r);
}

int32_t gw_v2017_function_read(struct eg_str space, struct eg_str id, struct eg_str body,
                               struct gw_object **ret_object, struct gw_refusal *ret_refusal) {
    struct eg_json *root = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    int32_t rc = gw_json_parse(body, true, &root, &why);
    if (rc < 0) {
        return gw_v2017_refuse_malformed(ret_refusal, gw_why_str(&why));
    }
    struct reading reading = {.root = root,
                              .object = gw_object_create(GW_FUNCTION, space, id),
                              .is_first = true,
                              .ret_why = &why};
    rc = read_function(&reading, id);
    if (rc < 0) {
        rc = gw_v2017_refuse_malformed(ret_refusal, gw_why_str(&why));
        gw_object_unref(reading.object);
    } else {
        *ret_object = reading.object;
    }
    gw_json_free(root);
    return rc;
}
