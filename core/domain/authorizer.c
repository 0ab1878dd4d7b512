/*
 * domain/authorizer.c - what an authorizer's answer means (chapter 6.5). Fails closed: only an
 * `authorization` object with a non-empty principalId and no `error` beside it lets an event pass
 * (Q10). Read with the scanner; the result is in the arena.
 */
#include "base/check.h"
#include "base/jscan.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/reply.h"

struct wanted {
    struct eg_str name;
    struct gw_jval value; /* GW_J_NULL = absent */
};

/* Fills in the members that are asked for: names in any case, the last one that is not null wins.
 */
static void pick(struct gw_jval object, struct wanted *wanted, size_t count) {
    size_t cursor = 0;
    struct eg_str raw_name;
    struct gw_jval value;
    while (gw_jobj_next(object, &cursor, &raw_name, &value)) {
        for (size_t i = 0; value.type != GW_J_NULL && i < count; i++) {
            if (gw_jname_eq_nocase(raw_name, wanted[i].name)) {
                wanted[i].value = value;
            }
        }
    }
}

static int32_t refuse_error(struct gw_arena *arena, struct gw_jval error, struct eg_why *ret_why) {
    struct wanted message = {.name = {"message", 7}};
    if (error.type == GW_J_OBJECT) {
        pick(error, &message, 1);
    }
    if (message.value.type != GW_J_STRING) {
        return gw_why(ret_why, EG_E_DENIED, "authorizer answered an error");
    }
    const struct eg_str text = gw_jstr_decode(arena, message.value.raw);
    return gw_why(ret_why, EG_E_DENIED, "authorizer refused: %.*s", GW_FMT(text));
}

static bool is_object_of_strings(struct gw_jval object) {
    size_t cursor = 0;
    struct eg_str raw_name;
    struct gw_jval value;
    if (object.type != GW_J_OBJECT) {
        return false;
    }
    while (gw_jobj_next(object, &cursor, &raw_name, &value)) {
        if (value.type != GW_J_STRING && value.type != GW_J_NULL) {
            return false;
        }
    }
    return true;
}

/* A null among the strings is an empty one. */
static void write_context(struct gw_bytes *out, struct gw_jval context) {
    size_t cursor = 0;
    struct eg_str raw_name;
    struct gw_jval value;
    const char *before = "{\"";
    while (gw_jobj_next(context, &cursor, &raw_name, &value)) {
        gw_bytes_add_c(out, before);
        gw_bytes_add(out, raw_name);
        gw_bytes_add(out, GW_STR("\":"));
        gw_bytes_add(out, value.type == GW_J_STRING ? value.raw : GW_STR("\"\""));
        before = ",\"";
    }
    gw_bytes_add_c(out, *before == '{' ? "{}" : "}");
}

static int32_t read_authorization(struct gw_arena *arena, struct gw_jval authorization,
                                  struct eg_str *ret_json, struct eg_why *ret_why) {
    struct wanted parts[] = {{.name = {"principalId", 11}}, {.name = {"context", 7}}};
    if (authorization.type != GW_J_OBJECT) {
        return gw_why(ret_why, EG_E_DENIED, "authorizer answered no authorization object");
    }
    pick(authorization, parts, GW_COUNT(parts));
    const struct gw_jval id = parts[0].value;
    const struct gw_jval context = parts[1].value;
    if (id.type != GW_J_STRING || id.raw.len <= 2) {
        return gw_why(ret_why, EG_E_DENIED, "authorizer answered no principalId");
    }
    if (context.type != GW_J_NULL && !is_object_of_strings(context)) {
        return gw_why(ret_why, EG_E_DENIED, "authorizer's context is no object of strings");
    }
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, id.raw.len + context.raw.len + 64);
    gw_bytes_add(&out, GW_STR("{\"principalId\":"));
    gw_bytes_add(&out, id.raw);
    gw_bytes_add(&out, GW_STR(",\"context\":"));
    if (context.type == GW_J_OBJECT) {
        write_context(&out, context);
    } else {
        gw_bytes_add(&out, GW_STR("null"));
    }
    gw_bytes_add_char(&out, '}');
    *ret_json = gw_bytes_str(&out);
    return EG_OK;
}

int32_t gw_authorizer_map(struct gw_arena *arena, struct eg_str answer, uint32_t json_depth,
                          struct eg_str *ret_json, struct eg_why *ret_why) {
    struct wanted parts[] = {{.name = {"authorization", 13}}, {.name = {"error", 5}}};
    struct gw_jval root;
    if (gw_json_check(answer, json_depth, &root, NULL) < 0 || root.type != GW_J_OBJECT) {
        return gw_why(ret_why, EG_E_DENIED, "authorizer answered no JSON object");
    }
    pick(root, parts, GW_COUNT(parts));
    if (parts[1].value.type != GW_J_NULL) {
        return refuse_error(arena, parts[1].value, ret_why);
    }
    return read_authorization(arena, parts[0].value, ret_json, ret_why);
}
