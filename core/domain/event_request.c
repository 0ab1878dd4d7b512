/*
 * domain/event_request.c - a request as data of an event: the body encoded (chapter 5.5) and the
 * object of an http.request event or an authorizer (chapters 5.4, 6.5), written in one pass.
 *
 * The body's encoding follows the bare media type in every mode, and JSON of any kind is JSON
 * (Q17). JSON is copied as it was sent, so numbers keep their digits (Q18). One thread, arena
 * memory.
 */
#include "base/check.h"
#include "base/codec.h"
#include "base/jwrite.h"
#include "domain/event_internal.h"
#include "domain/media_type.h"

/* ---- body ---- */

static struct eg_str as_string(struct gw_arena *arena, struct eg_str body) {
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, body.len + body.len / 8 + 16);
    gw_jw_string(&out, body);
    return gw_bytes_str(&out);
}

struct eg_str gw_event_base64(struct gw_arena *arena, struct eg_str body) {
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, body.len / 3 * 4 + 8);
    gw_base64_encode(&out, body);
    return gw_bytes_str(&out);
}

int32_t gw_event_body(struct gw_arena *arena, struct eg_str media_type, struct eg_str body,
                      uint32_t json_depth, bool text_is_string, struct gw_event_body *ret_body) {
    struct gw_event_body encoded = {0};
    struct gw_jval value;
    if (body.len == 0) {
        encoded.json = GW_STR("\"\"");
        goto out;
    }
    if (gw_media_is_json(media_type)) {
        const int32_t rc = gw_json_check(body, json_depth, &value, NULL);
        if (rc == EG_E_TOOBIG) {
            return rc;
        }
        encoded.json = rc == EG_OK ? value.raw : encoded.json;
    } else if (gw_media_is_form(media_type) ||
               (text_is_string && gw_media_is_text(media_type) && gw_utf8_valid(body))) {
        encoded.json = as_string(arena, body);
    }
    if (encoded.json.len == 0) {
        encoded.base64 = gw_event_base64(arena, body);
    }
out:
    *ret_body = encoded;
    return EG_OK;
}

int32_t gw_event_refuse_depth(uint32_t json_depth, struct eg_why *ret_why) {
    return gw_why(ret_why, EG_E_INVAL, "JSON body is nested deeper than %u levels", json_depth);
}

/* ---- headers ---- */

struct eg_str gw_event_header(const struct eg_kv *headers, size_t count, struct eg_str name) {
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq_nocase(headers[i].name, name)) {
            return headers[i].value;
        }
    }
    return (struct eg_str){0};
}

/* Host has its own field; framing is between the client and the gateway. */
static bool is_hidden(struct eg_str name) {
    return gw_str_eq_nocase(name, GW_STR("host")) ||
           gw_str_eq_nocase(name, GW_STR("transfer-encoding"));
}

/* Characters of a token need no escapes in JSON (RFC 9110 5.6.2). */
static void write_header_name(struct gw_bytes *out, struct eg_str header) {
    char *room = gw_bytes_room(out, header.len + 2);
    if (room == NULL) {
        return;
    }
    room[0] = '"';
    if (!gw_header_canonical(header, room + 1)) {
        gw_jw_string(out, header);
        return;
    }
    room[header.len + 1] = '"';
    out->len += header.len + 2;
}

void gw_event_write_headers(struct gw_arena *arena, struct gw_bytes *out,
                            const struct eg_kv *headers, size_t count) {
    const struct gw_group *groups = gw_group_pairs(arena, headers, count, true);
    char before = '{';
    for (size_t i = 0; i < count; i++) {
        if (!groups[i].is_first || is_hidden(headers[i].name)) {
            continue;
        }
        gw_bytes_add_char(out, before);
        write_header_name(out, headers[i].name);
        gw_bytes_add(out, GW_STR(":\""));
        gw_jw_string_part(out, headers[i].value);
        for (uint32_t k = groups[i].next; k != 0; k = groups[k].next) {
            gw_bytes_add(out, GW_STR(", "));
            gw_jw_string_part(out, headers[k].value);
        }
        gw_bytes_add_char(out, '"');
        before = ',';
    }
    gw_bytes_add(out, before == '{' ? GW_STR("{}") : GW_STR("}"));
}

/* The values of each name as a list; names of headers are canonical. */
static void write_lists(struct gw_arena *arena, struct gw_bytes *out, const struct eg_kv *pairs,
                        size_t count, bool are_headers) {
    const struct gw_group *groups = gw_group_pairs(arena, pairs, count, are_headers);
    char before = '{';
    for (size_t i = 0; i < count; i++) {
        if (!groups[i].is_first || (are_headers && is_hidden(pairs[i].name))) {
            continue;
        }
        gw_bytes_add_char(out, before);
        if (are_headers) {
            write_header_name(out, pairs[i].name);
        } else {
            gw_jw_string(out, pairs[i].name);
        }
        gw_bytes_add(out, GW_STR(":["));
        gw_jw_string(out, pairs[i].value);
        for (uint32_t k = groups[i].next; k != 0; k = groups[k].next) {
            gw_bytes_add_char(out, ',');
            gw_jw_string(out, pairs[k].value);
        }
        gw_bytes_add_char(out, ']');
        before = ',';
    }
    gw_bytes_add(out, before == '{' ? GW_STR("{}") : GW_STR("}"));
}

void gw_event_write_header_lists(struct gw_arena *arena, struct gw_bytes *out,
                                 const struct eg_kv *headers, size_t count) {
    write_lists(arena, out, headers, count, true);
}

/* ---- query ---- */

/* false: a bad escape; such a pair is left out, as the original does. */
static bool decode(struct gw_arena *arena, struct eg_str s, struct eg_str *ret_text) {
    if (gw_str_find(s, '%') == s.len && gw_str_find(s, '+') == s.len) {
        *ret_text = s;
        return true;
    }
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, s.len + 1);
    const int32_t rc = gw_percent_decode(&out, s, true);
    *ret_text = gw_bytes_str(&out);
    return rc == EG_OK;
}

static size_t count_pairs(struct eg_str query) {
    size_t n = 1;
    for (size_t at = gw_str_find(query, '&'); at < query.len; n++) {
        query = gw_str_cut(query, at + 1);
        at = gw_str_find(query, '&');
    }
    return n;
}

static size_t parse_query(struct gw_arena *arena, struct eg_str query, struct eg_kv *pairs) {
    size_t count = 0;
    struct eg_str piece;
    while (gw_str_next(&query, '&', &piece)) {
        const size_t equals = gw_str_find(piece, '=');
        struct eg_kv *pair = &pairs[count];
        if (piece.len == 0 || gw_str_find(piece, ';') < piece.len ||
            !decode(arena, gw_str_sub(piece, 0, equals), &pair->name) ||
            !decode(arena, gw_str_cut(piece, equals + (equals < piece.len ? 1 : 0)),
                    &pair->value)) {
            continue;
        }
        count++;
    }
    return count;
}

void gw_event_write_query(struct gw_arena *arena, struct gw_bytes *out, struct eg_str query) {
    if (query.len == 0) {
        gw_bytes_add(out, GW_STR("{}"));
        return;
    }
    struct eg_kv *pairs = gw_arena_alloc(arena, count_pairs(query) * sizeof *pairs);
    const size_t count = parse_query(arena, query, pairs);
    write_lists(arena, out, pairs, count, false);
}

/* ---- the object ---- */

void gw_event_write_path(struct gw_arena *arena, struct gw_bytes *out, struct eg_str path) {
    struct gw_bytes decoded;
    if (gw_str_find(path, '%') == path.len) {
        gw_jw_string(out, path);
        return;
    }
    gw_bytes_init_arena(&decoded, arena, path.len + 1);
    const bool is_good = gw_percent_decode(&decoded, path, false) == EG_OK;
    gw_jw_string(out, is_good ? gw_bytes_str(&decoded) : path);
}

void gw_event_write_params(struct gw_bytes *out, const struct gw_path_params *params) {
    if (params == NULL || params->is_null) {
        gw_bytes_add(out, GW_STR("null"));
        return;
    }
    gw_bytes_add_char(out, '{');
    for (uint32_t i = 0; i < params->count; i++) {
        gw_bytes_add_c(out, i == 0 ? "" : ",");
        gw_jw_string(out, params->items[i].name);
        gw_bytes_add_char(out, ':');
        gw_jw_string(out, params->items[i].value);
    }
    gw_bytes_add_char(out, '}');
}

void gw_event_write_body(struct gw_bytes *out, const struct gw_event_body *body) {
    if (body->base64.len > 0) {
        gw_bytes_add_char(out, '"');
        gw_bytes_add(out, body->base64);
        gw_bytes_add_char(out, '"');
    } else {
        gw_bytes_add(out, body->json);
    }
}

size_t gw_event_request_room(const struct gw_event_request *request,
                             const struct gw_event_body *body) {
    size_t room = 192 + request->query.len * 2 + request->path.len + request->host.len +
                  body->json.len + body->base64.len;
    for (size_t i = 0; i < request->header_count; i++) {
        room += request->headers[i].name.len + request->headers[i].value.len + 8;
    }
    return room;
}

void gw_event_write_request_open(struct gw_arena *arena, struct gw_bytes *out,
                                 const struct gw_event_request *request,
                                 const struct gw_event_body *body) {
    gw_bytes_add(out, GW_STR("{\"headers\":"));
    gw_event_write_headers(arena, out, request->headers, request->header_count);
    gw_bytes_add(out, GW_STR(",\"query\":"));
    gw_event_write_query(arena, out, request->query);
    gw_bytes_add(out, GW_STR(",\"body\":"));
    gw_event_write_body(out, body);
    gw_bytes_add(out, GW_STR(",\"host\":"));
    gw_jw_string(out, request->host);
    gw_bytes_add(out, GW_STR(",\"path\":"));
    gw_event_write_path(arena, out, request->path);
    gw_bytes_add(out, GW_STR(",\"method\":"));
    gw_jw_string(out, request->method);
    gw_bytes_add(out, GW_STR(",\"params\":"));
}

void gw_event_write_request(struct gw_bytes *out, const struct gw_event_request *request,
                            const struct gw_path_params *params, uint32_t json_depth) {
    struct gw_arena scratch;
    struct gw_event_body body = {0};
    struct eg_str media_type = {0};
    gw_arena_init(&scratch, 4096);
    const struct eg_str header =
        gw_event_header(request->headers, request->header_count, GW_STR("content-type"));
    /* A bad Content-Type or too deep a body never gets as far as an authorizer. */
    if (header.len > 0) {
        (void)gw_media_type_parse(&scratch, header, &media_type, NULL);
    }
    if (gw_event_body(&scratch, media_type, request->body, json_depth, false, &body) < 0) {
        body.base64 = gw_event_base64(&scratch, request->body);
    }
    gw_event_write_request_open(&scratch, out, request, &body);
    gw_event_write_params(out, params);
    gw_bytes_add_char(out, '}');
    gw_arena_free(&scratch);
}
