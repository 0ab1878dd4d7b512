/*
 * api/config_conditions.c - see the header. The value of either header is `*` or a list of entity
 * tags; a header that is repeated is one list. If-Match compares strongly, so that a weak tag
 * (`W/"1"`) never matches there; If-None-Match compares weakly (RFC 9110 8.8.3.2). Pure; any
 * thread.
 */
#include "api/config_conditions.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/slice.h"

#define MATCH GW_STR("If-Match")
#define NONE_MATCH GW_STR("If-None-Match")

/* What a header says about a tag. */
struct scan {
    bool is_malformed;
    bool has_star;
    bool has_strong; /* the tag is among them */
    bool has_weak;   /* W/ and the tag is */
    size_t count;    /* of elements */
};

struct eg_str gw_etag(char room[GW_ETAG_BYTES], struct gw_version version) {
    const int len = snprintf(room, GW_ETAG_BYTES, "\"%" PRIu64 "-%08" PRIx32 "\"", version.revision,
                             version.mark);
    GW_ASSERT(len > 0 && (unsigned)len < GW_ETAG_BYTES);
    return gw_str(room, (size_t)len);
}

/* ---- lists ---- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static struct eg_str skip_blanks(struct eg_str s) {
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s = gw_str_cut(s, 1);
    }
    return s;
}

/* etagc of RFC 9110 8.8.3: no blanks, no quotes, no control characters; bytes above ASCII may be.
 */
static bool is_tag_char(char c) {
    const unsigned char byte = (unsigned char)c;
    return byte > ' ' && byte != '"' && byte != 0x7f;
}

/* Cuts the tag with its quotes off the front; EG_E_SYNTAX when there is none. */
static int32_t take_tag(struct eg_str *rest, struct eg_str *ret_tag) {
    size_t len = 1;
    if (rest->len == 0 || rest->ptr[0] != '"') {
        return EG_E_SYNTAX;
    }
    while (len < rest->len && is_tag_char(rest->ptr[len])) {
        len++;
    }
    if (len == rest->len || rest->ptr[len] != '"') {
        return EG_E_SYNTAX;
    }
    *ret_tag = gw_str_sub(*rest, 0, len + 1);
    *rest = gw_str_cut(*rest, len + 1);
    return EG_OK;
}

static int32_t take_element(struct eg_str *rest, struct eg_str wanted, struct scan *scan) {
    struct eg_str tag = {0};
    scan->count++;
    if (gw_str_starts(*rest, GW_STR("*"))) {
        scan->has_star = true;
        *rest = gw_str_cut(*rest, 1);
        return EG_OK;
    }
    const bool is_weak = gw_str_starts(*rest, GW_STR("W/"));
    *rest = gw_str_cut(*rest, is_weak ? 2 : 0);
    if (take_tag(rest, &tag) < 0) {
        return EG_E_SYNTAX;
    }
    if (gw_str_eq(tag, wanted)) {
        scan->has_strong = scan->has_strong || !is_weak;
        scan->has_weak = scan->has_weak || is_weak;
    }
    return EG_OK;
}

/* Commas may stand without an element between them (RFC 9110 5.6.1.2). */
static int32_t scan_value(struct eg_str rest, struct eg_str wanted, struct scan *scan) {
    for (rest = skip_blanks(rest); rest.len > 0; rest = skip_blanks(rest)) {
        if (rest.ptr[0] != ',' && take_element(&rest, wanted, scan) < 0) {
            return EG_E_SYNTAX;
        }
        rest = skip_blanks(rest);
        if (rest.len > 0 && rest.ptr[0] != ',') {
            return EG_E_SYNTAX;
        }
        rest = gw_str_cut(rest, rest.len > 0 ? 1 : 0);
    }
    return EG_OK;
}

static bool has_header(const struct gw_http_request *request, struct eg_str name) {
    return gw_http_header(request, name, 0).ptr != NULL;
}

static struct scan scan_header(const struct gw_http_request *request, struct eg_str name,
                               struct gw_version version) {
    struct scan scan = {0};
    struct eg_str value;
    char room[GW_ETAG_BYTES];
    const struct eg_str wanted = gw_etag(room, version);
    for (size_t i = 0; (value = gw_http_header(request, name, i)).ptr != NULL; i++) {
        scan.is_malformed = scan.is_malformed || scan_value(value, wanted, &scan) < 0;
    }
    scan.is_malformed = scan.is_malformed || scan.count == 0 || (scan.has_star && scan.count > 1);
    return scan;
}

/* ---- conditions ---- */

bool gw_config_has_conditions(const struct gw_http_request *request) {
    return has_header(request, MATCH) || has_header(request, NONE_MATCH);
}

static int32_t read_header(const struct gw_http_request *request, struct eg_str name,
                           struct gw_refusal *ret_refusal) {
    if (!has_header(request, name) ||
        !scan_header(request, name, (struct gw_version){0}).is_malformed) {
        return EG_OK;
    }
    return gw_refuse(ret_refusal, 400,
                     "%.*s has to be * or a list of entity tags in double quotes, as the header "
                     "ETag has them.",
                     GW_FMT(name));
}

int32_t gw_config_conditions_read(const struct gw_http_request *request,
                                  struct gw_refusal *ret_refusal) {
    const int32_t rc = read_header(request, MATCH, ret_refusal);
    return rc < 0 ? rc : read_header(request, NONE_MATCH, ret_refusal);
}

static bool match_holds(const struct gw_http_request *request, struct gw_version version) {
    const struct scan scan = scan_header(request, MATCH, version);
    return !has_header(request, MATCH) ||
           (version.revision != 0 && (scan.has_star || scan.has_strong));
}

static bool none_match_holds(const struct gw_http_request *request, struct gw_version version) {
    const struct scan scan = scan_header(request, NONE_MATCH, version);
    return !has_header(request, NONE_MATCH) || version.revision == 0 ||
           !(scan.has_star || scan.has_strong || scan.has_weak);
}

/* In the order of RFC 9110 13.2.2. */
enum gw_conditions gw_config_conditions_check(const struct gw_http_request *request, bool is_get,
                                              struct gw_version version) {
    if (!match_holds(request, version)) {
        return GW_CONDITIONS_FAIL;
    }
    if (none_match_holds(request, version)) {
        return GW_CONDITIONS_HOLD;
    }
    return is_get ? GW_CONDITIONS_UNCHANGED : GW_CONDITIONS_FAIL;
}

int32_t gw_config_refuse_conditions(const struct gw_http_request *request, enum gw_kind kind,
                                    struct eg_str id, struct gw_version version,
                                    struct gw_refusal *ret_refusal) {
    const char *title = gw_kind_words[kind].title;
    if (version.revision == 0) {
        return gw_refuse(ret_refusal, 412, "%s \"%.*s\" does not exist, so If-Match cannot hold.",
                         title, GW_FMT(id));
    }
    if (match_holds(request, version)) {
        return gw_refuse(ret_refusal, 412, "%s \"%.*s\" is there, which If-None-Match excludes.",
                         title, GW_FMT(id));
    }
    char room[GW_ETAG_BYTES];
    return gw_refuse(ret_refusal, 412,
                     "%s \"%.*s\" has been changed: its ETag is %.*s now, which If-Match does not "
                     "name. Read it again before changing it.",
                     title, GW_FMT(id), GW_FMT(gw_etag(room, version)));
}
