/*
 * io/http_answer.c - see http_answer.h. Header lines that are no valid header are dropped one by
 * one and counted; lines after the empty one are trailers (RFC 9110 6.5), which nobody here may
 * trust.
 *
 * Thread: the loop's. Ownership: headers live in the caller's arena, the body is the answer's until
 * it is taken.
 */
#include "io/http_answer.h"

#include "base/slice.h"

void gw_http_answer_begin(struct gw_http_answer *answer) {
    answer->headers = NULL;
    answer->header_count = answer->header_room = answer->head_bytes = 0;
    answer->is_head_done = answer->has_status = answer->is_interim = false;
    answer->body.len = 0;
}

bool gw_http_answer_refuse(struct gw_http_answer *answer, int32_t error, const char *message) {
    answer->error = error;
    answer->message = message;
    return false;
}

/* One piece of memory for both. */
static struct eg_kv copy_pair(struct gw_arena *arena, struct eg_str name, struct eg_str value) {
    char *copy = gw_arena_alloc(arena, name.len + value.len);
    memcpy(copy, name.ptr, name.len);
    if (value.len > 0) {
        memcpy(copy + name.len, value.ptr, value.len);
    }
    return (struct eg_kv){.name = gw_str(copy, name.len),
                          .value = gw_str(copy + name.len, value.len)};
}

void gw_http_answer_add(struct gw_http_answer *answer, struct eg_str name, struct eg_str value) {
    if (answer->header_count == answer->header_room) {
        const size_t room = answer->header_room == 0 ? 16 : answer->header_room * 2;
        struct eg_kv *grown = gw_arena_alloc(answer->arena, room * sizeof *grown);
        if (answer->header_count > 0) {
            memcpy(grown, answer->headers, answer->header_count * sizeof *grown);
        }
        answer->headers = grown;
        answer->header_room = room;
    }
    answer->headers[answer->header_count++] = copy_pair(answer->arena, name, value);
}

/* `HTTP/1.1 103 Early Hints`: only by its place, for headers and trailers may look like it. */
static void begin_head(struct gw_http_answer *answer, struct eg_str line) {
    const struct eg_str status = gw_str_cut(line, gw_str_find(line, ' ') + 1);
    answer->header_count = 0;
    answer->has_status = true;
    answer->is_interim = gw_str_starts(status, GW_STR("1"));
}

bool gw_http_answer_line(struct gw_http_answer *answer, struct eg_str raw) {
    const struct eg_str line = gw_str_trim(raw);
    answer->head_bytes += raw.len;
    if (answer->head_bytes > GW_HTTP_HEAD_BYTES_MAX) {
        return gw_http_answer_refuse(answer, EG_E_TOOBIG, "the answer's header block is too big");
    }
    if (!answer->has_status) {
        begin_head(answer, line);
        return true;
    }
    if (line.len == 0 || answer->is_head_done) {
        answer->has_status = !answer->is_interim; /* else the next line is the next head's */
        answer->is_head_done = answer->has_status;
        return true;
    }
    const size_t colon = gw_str_find(line, ':');
    const struct eg_str name = gw_str_sub(line, 0, colon);
    const struct eg_str value = gw_str_trim(gw_str_cut(line, colon < line.len ? colon + 1 : colon));
    if (colon < line.len && gw_is_token(name) && gw_is_field_value(value)) {
        gw_http_answer_add(answer, name, value);
    } else {
        gw_metric_add(answer->dropped_headers, 1);
    }
    return true;
}

/* An announced length makes the buffer at once, or refuses at once. */
bool gw_http_answer_body(struct gw_http_answer *answer, struct eg_str piece, uint64_t announced) {
    if (announced > answer->body_max || piece.len > answer->body_max - answer->body.len) {
        return gw_http_answer_refuse(answer, EG_E_TOOBIG, "the answer's body is too big");
    }
    if (answer->body.len == 0 && announced > 0) {
        (void)gw_bytes_grow(&answer->body, (size_t)announced);
    }
    gw_bytes_add(&answer->body, piece);
    return true;
}
