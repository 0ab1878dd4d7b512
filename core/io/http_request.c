/*
 * io/http_request.c - see http_request.h.
 */
#include "io/http_request.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/slice.h"

#define REQUEST_MAGIC 0x51524547u
#define IDLE_MAX 1024u
#define ARENA_BYTES 8192u /* a small request with its event and its call */
#define KEPT_BODY_BYTES ((size_t)16 * 1024)
#define REQUEST_ID_MAX 128u

/* ---- pool ---- */

void gw_request_pool_init(struct gw_request_pool *pool) {
    gw_list_init(&pool->idle);
}

static void free_request(struct gw_request *request) {
    gw_arena_free(&request->pub.arena);
    gw_bytes_free(&request->body);
    gw_free(request);
}

void gw_request_pool_close(struct gw_request_pool *pool) {
    pool->is_closed = true;
    for (struct gw_node *node; (node = gw_list_shift(&pool->idle)) != NULL;) {
        free_request(GW_CONTAINER(node, struct gw_request, node));
    }
    if (pool->alive == 0) {
        pool->on_empty(pool);
    }
}

struct gw_request *gw_request_take(struct gw_request_pool *pool) {
    struct gw_node *node = gw_list_shift(&pool->idle);
    struct gw_request *request;
    if (node != NULL) {
        pool->idle_count--;
        request = GW_CONTAINER(node, struct gw_request, node);
    } else {
        request = gw_alloc(sizeof *request);
        gw_arena_init(&request->pub.arena, ARENA_BYTES);
        gw_bytes_init(&request->body, 0);
    }
    pool->alive++;
    request->magic = REQUEST_MAGIC;
    request->references = 1;
    request->pool = pool;
    return request;
}

/* Clears all but the memory that is used again. */
static void give_back(struct gw_request *request) {
    struct gw_request_pool *pool = request->pool;
    struct gw_arena arena = request->pub.arena;
    struct gw_bytes body = request->body;
    gw_arena_reset(&arena);
    body.len = 0;
    *request = (struct gw_request){.pub = {.arena = arena}, .body = body};
    if (body.room > KEPT_BODY_BYTES) {
        gw_bytes_free(&request->body);
    }
    pool->alive--;
    if (pool->is_closed || pool->idle_count >= IDLE_MAX) {
        free_request(request);
    } else {
        gw_list_push(pool->idle.next, &request->node); /* the warm one is used next */
        pool->idle_count++;
    }
    if (pool->is_closed && pool->alive == 0) {
        pool->on_empty(pool);
    }
}

struct gw_request *gw_request_of(struct gw_http_request *pub) {
    struct gw_request *request = GW_CONTAINER(pub, struct gw_request, pub);
    GW_MAGIC_CHECK(request, REQUEST_MAGIC);
    return request;
}

void gw_http_request_ref(struct gw_http_request *request) {
    gw_request_of(request)->references++;
}

void gw_http_request_unref(struct gw_http_request *pub) {
    if (pub == NULL) {
        return;
    }
    struct gw_request *request = gw_request_of(pub);
    GW_ASSERT(request->references > 0);
    request->references--;
    if (request->references == 0) {
        give_back(request);
    }
}

/* ---- head and body ---- */

struct eg_str gw_http_header(const struct gw_http_request *request, struct eg_str name,
                             size_t index) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (gw_str_eq_nocase(request->headers[i].name, name) && index-- == 0) {
            const struct eg_str value = request->headers[i].value;
            return value.ptr == NULL ? GW_STR("") : value;
        }
    }
    return (struct eg_str){0};
}

/* Does the path need escaping at all? Mostly not. */
static bool is_plain_path(struct eg_str path) {
    for (size_t i = 0; i < path.len; i++) {
        const char c = path.ptr[i];
        const bool is_alnum =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || strchr("/-_.~%$&+,:;=@", c) == NULL)) {
            return false;
        }
    }
    return true;
}

static struct eg_str escaped_path(struct gw_arena *arena, struct eg_str path) {
    if (is_plain_path(path)) {
        return path;
    }
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, path.len * 3 + 1);
    gw_percent_encode_path(&out, path);
    return gw_bytes_str(&out);
}

static struct eg_str new_id(struct gw_arena *arena) {
    char *uuid = gw_arena_alloc(arena, 36);
    gw_uuid4(uuid);
    return gw_str(uuid, 36);
}

void gw_request_need_id(struct gw_request *request) {
    if (request->pub.request_id.len == 0) {
        request->pub.request_id = new_id(&request->pub.arena);
    }
}

static struct eg_str pick_request_id(struct gw_http_request *request) {
    const struct eg_str given = gw_http_header(request, GW_STR("x-request-id"), 0);
    if (given.len > 0 && given.len <= REQUEST_ID_MAX && gw_is_token(given)) {
        return given;
    }
    return new_id(&request->arena);
}

static struct eg_str copy_to(char **to, struct eg_str s) {
    char *copy = *to;
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    *to = copy + s.len;
    return gw_str(copy, s.len);
}

/* All headers in one piece of the arena. */
void gw_request_copy_head(struct gw_request *request, struct gw_http_head *head) {
    struct gw_arena *arena = &request->pub.arena;
    size_t bytes = head->method.len + head->host.len + 1;
    for (size_t i = 0; i < head->header_count; i++) {
        bytes += head->headers[i].name.len + head->headers[i].value.len;
    }
    struct eg_kv *headers = gw_arena_alloc(arena, head->header_count * sizeof *headers + bytes);
    char *to = (char *)(headers + head->header_count);
    for (size_t i = 0; i < head->header_count; i++) {
        headers[i].name = copy_to(&to, head->headers[i].name);
        headers[i].value = copy_to(&to, head->headers[i].value);
    }
    head->headers = headers;
    head->method = copy_to(&to, head->method);
    head->host = copy_to(&to, head->host);
}

void gw_request_set_head(struct gw_request *request, const struct gw_http_head *head) {
    struct gw_http_request *pub = &request->pub;
    pub->headers = head->headers;
    pub->header_count = head->header_count;
    pub->method = head->method;
    pub->host = head->host;
    pub->path = escaped_path(&pub->arena, head->path);
    pub->query = head->query;
    pub->request_id = pick_request_id(pub);
    pub->received_ns = gw_monotonic_ns();
}

void gw_request_expect_body(struct gw_request *request, uint64_t bytes) {
    if (bytes > 0) {
        (void)gw_bytes_grow(&request->body, (size_t)bytes);
    }
}

bool gw_request_add_body(struct gw_request *request, struct eg_str piece) {
    if (request->discarded_bytes > 0 || piece.len > request->body_max - request->body.len) {
        request->discarded_bytes += piece.len;
        return false;
    }
    gw_bytes_add(&request->body, piece);
    return true;
}
