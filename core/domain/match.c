/*
 * domain/match.c - see match.h. A mistake in a match could open a door, so the reading is strict:
 * what can never be true is refused with a sentence.
 */
#include "domain/match.h"

#include "base/check.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/kinds.h"
#include "domain/match_path.h"

#include <eventgw/host.h>

struct gw_match_list {
    struct eg_str *items;
    size_t count; /* 0 = not given: everything */
};

enum { SPACES, PATHS, METHODS, EVENT_TYPES, LISTS };

struct gw_match {
    struct gw_match_list lists[LISTS];
};

/* ---- reading ---- */

/* A star anywhere is meant as a wildcard and would be taken literally; a colon is a parameter at
 * the beginning of a segment only. */
static bool is_path(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        const bool is_parameter = s.ptr[i] == ':' && i > 0 && s.ptr[i - 1] == '/';
        if (s.ptr[i] == '?' || s.ptr[i] == '#' || s.ptr[i] == '*' || is_parameter) {
            return false;
        }
    }
    return s.len > 0 && s.ptr[0] == '/';
}

/* Those that the Events API serves; `*` is a token too, and would never match. */
static bool is_method(struct eg_str s) {
    static const char *const served[] = {"GET",   "HEAD",   "POST",   "PUT",
                                         "PATCH", "DELETE", "OPTIONS"};
    size_t i = 0;
    while (i < GW_COUNT(served) && !gw_str_eq_nocase(s, gw_str_c(served[i]))) {
        i++;
    }
    return i < GW_COUNT(served);
}

static bool is_event_type(struct eg_str s) {
    return s.len > 0 && gw_str_find(s, '*') >= s.len - 1;
}

static const struct row {
    const char *name;
    bool (*is_good)(struct eg_str s);
    const char *wanted;
} rows[LISTS] = {
    [SPACES] = {"spaces", gw_is_space_name, "the name of a space"},
    [PATHS] = {"paths", is_path,
               "a path: it begins with /, holds for all below it, and has no parameters, "
               "wildcards or query"},
    [METHODS] = {"methods", is_method, "an HTTP method that is served"},
    [EVENT_TYPES] = {"event_types", is_event_type,
                     "an event type, or the beginning of some and a * at its end"},
};

static int32_t read_list(struct gw_arena *arena, struct eg_str section, const struct row *row,
                         const struct eg_json *json, struct gw_match_list *ret_list,
                         struct eg_why *ret_why) {
    const size_t count = gw_json_count(json);
    if (gw_json_kind(json) != EG_JSON_ARRAY || count == 0) {
        return gw_why(ret_why, EG_E_INVAL, "'%.*s.match.%s' has to be a list of at least one text",
                      GW_FMT(section), row->name);
    }
    ret_list->items = gw_arena_zalloc(arena, gw_size_mul(count, sizeof *ret_list->items));
    for (size_t i = 0; i < count; i++) {
        const struct eg_str item = gw_json_string(gw_json_at(json, i, NULL));
        if (!row->is_good(item)) {
            return gw_why(ret_why, EG_E_INVAL, "'%.*s.match.%s': '%.*s' is not %s", GW_FMT(section),
                          row->name, GW_FMT(item), row->wanted);
        }
        ret_list->items[i] = gw_arena_dup(arena, item);
    }
    ret_list->count = count;
    return EG_OK;
}

static int32_t refuse_unknown(struct eg_str section, struct eg_str name, struct eg_why *ret_why) {
    const char *names[LISTS];
    for (size_t i = 0; i < LISTS; i++) {
        names[i] = rows[i].name;
    }
    const char *nearest = gw_str_nearest(name, names, LISTS);
    return gw_why(ret_why, EG_E_INVAL, "unknown key '%.*s.match.%.*s'%s%s%s", GW_FMT(section),
                  GW_FMT(name), nearest == NULL ? "" : "; did you mean '",
                  nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

static int32_t read_group(struct gw_arena *arena, struct eg_str section, const struct eg_json *root,
                          struct gw_match *match, struct eg_why *ret_why) {
    const size_t count = gw_json_count(root);
    if (gw_json_kind(root) != EG_JSON_OBJECT || count == 0) {
        return gw_why(ret_why, EG_E_INVAL,
                      "'%.*s.match' has to be a group with spaces, paths, methods or event_types",
                      GW_FMT(section));
    }
    for (size_t i = 0; i < count; i++) {
        struct eg_str name = {0};
        const struct eg_json *json = gw_json_at(root, i, &name);
        size_t k = 0;
        while (k < LISTS && !gw_str_eq(name, gw_str_c(rows[k].name))) {
            k++;
        }
        const int32_t rc =
            k == LISTS ? refuse_unknown(section, name, ret_why)
                       : read_list(arena, section, &rows[k], json, &match->lists[k], ret_why);
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

int32_t gw_match_read(struct gw_arena *arena, struct eg_str section, struct eg_str json,
                      const struct gw_match **ret_match, struct eg_why *ret_why) {
    struct gw_match *match = gw_arena_zalloc(arena, sizeof *match);
    struct eg_json *root = NULL;
    int32_t rc = gw_json_parse(json, false, &root, ret_why);
    if (rc >= 0) {
        rc = read_group(arena, section, root, match, ret_why);
    }
    gw_json_free(root);
    if (rc >= 0) {
        *ret_match = match;
    }
    return rc;
}

/* ---- asking ---- */

static bool any(const struct gw_match_list *list, struct eg_str value,
                bool (*holds)(struct eg_str item, struct eg_str value)) {
    size_t i = 0;
    while (i < list->count && !holds(list->items[i], value)) {
        i++;
    }
    return list->count == 0 || i < list->count;
}

static bool is_type(struct eg_str item, struct eg_str type) {
    const bool is_open = item.ptr[item.len - 1] == '*';
    return is_open ? gw_str_starts(type, gw_str_sub(item, 0, item.len - 1)) : gw_str_eq(item, type);
}

bool gw_match_request(const struct gw_match *match, struct eg_str method, struct eg_str path) {
    return any(&match->lists[METHODS], method, gw_str_eq_nocase) &&
           any(&match->lists[PATHS], path, gw_match_path_below);
}

bool gw_match_is_early(const struct gw_match *match) {
    return match->lists[SPACES].count == 0 && match->lists[EVENT_TYPES].count == 0;
}

bool gw_match_event_type(const struct gw_match *match, struct eg_str type) {
    return any(&match->lists[EVENT_TYPES], type, is_type);
}

bool gw_match_has_spaces(const struct gw_match *match) {
    return match->lists[SPACES].count > 0;
}

bool gw_match_space(const struct gw_match *match, struct eg_str space) {
    return any(&match->lists[SPACES], space, gw_str_eq);
}
