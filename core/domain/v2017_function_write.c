/*
 * domain/v2017_function_write.c - functions as the API of 2017 showed them (compatibility chapter
 * 15.1): the type is a field of the provider, the first one. Pure.
 */
#include "base/jwrite.h"
#include "base/slice.h"
#include "domain/v2017_inner.h"

#include <eventgw/host.h>

/* Behind the type, so that there always is one before it. */
static void write_member(struct gw_bytes *out, struct eg_str name, const struct eg_json *value) {
    bool is_first = false;
    gw_jw_any_name(out, &is_first, name);
    gw_json_write(out, value);
}

static bool is_known(struct eg_str name) {
    for (size_t i = 0; i < GW_V2017_FIELDS; i++) {
        if (gw_str_eq(name, gw_str_c(gw_v2017_fields[i].inside))) {
            return true;
        }
    }
    return gw_str_eq(name, GW_STR(GW_V2017_TYPE));
}

/* The known ones in their order and spelling, then the others in theirs. The provider's own `type`,
 * should there be such a thing, would be taken for that of the function. */
static void write_provider(struct gw_bytes *out, const struct eg_json *provider) {
    for (size_t i = 0; i < GW_V2017_FIELDS; i++) {
        const struct gw_v2017_field *field = &gw_v2017_fields[i];
        const struct eg_json *value = gw_json_member(provider, gw_str_c(field->inside));
        if (value != NULL) {
            write_member(out, gw_str_c(field->name), value);
        }
    }
    for (size_t i = 0; i < gw_json_count(provider); i++) {
        struct eg_str name = {0};
        const struct eg_json *value = gw_json_at(provider, i, &name);
        if (!is_known(name)) {
            write_member(out, name, value);
        }
    }
}

void gw_v2017_function_write(struct gw_bytes *out, const struct gw_object *function,
                             struct eg_str provider_json) {
    const struct gw_function *f = &function->as.function;
    struct eg_json *provider = NULL;
    const struct eg_str text = provider_json.len > 0 ? provider_json : f->provider_json;
    gw_bytes_add_c(out, "{\"functionId\":");
    gw_jw_string(out, function->id);
    gw_bytes_add_c(out, ",\"provider\":{\"" GW_V2017_TYPE "\":");
    gw_jw_string(out, f->type);
    if (text.len > 0) {
        (void)gw_json_parse(text, false, &provider, NULL);
    }
    if (gw_json_kind(provider) == EG_JSON_OBJECT) {
        write_provider(out, provider);
    }
    gw_bytes_add_c(out, "}}");
    gw_json_free(provider);
}
