/*
 * api/status_wait.c - see status_wait.h. One list; it is walked whenever a newer revision is
 * routed, which under many writes may be after each of them: so it is short (GW_MAX_STATUS_WAITS).
 *
 * Control thread. Ownership: a wait holds its request, which knows it (user), until the one answer.
 */
#include "api/status_wait.h"

#include "api/config_answer.h"
#include "api/pages.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "state/standing.h"

struct wait {
    struct gw_node node;
    struct gw_timer timer;
    struct eg_loop *loop;
    struct gw_config_context *context;
    struct gw_http_request *request;
    uint64_t revision;
    uint64_t timeout_ns;
};

static bool is_routed(const struct gw_config_context *context, uint64_t revision) {
    struct gw_standing standing;
    gw_standing_read(context->catalog, context->publisher, &standing);
    return standing.routed_revision >= revision;
}

/* The request is the caller's, to be answered. */
static struct gw_http_request *end(struct wait *wait) {
    struct gw_http_request *request = wait->request;
    gw_timer_stop(wait->loop, &wait->timer);
    gw_list_remove(&wait->node);
    wait->context->wait_count--;
    wait->context->busy--;
    request->user = NULL;
    gw_free(wait);
    return request;
}

static void answer_late(struct gw_config_context *context, struct gw_http_request *request,
                        uint64_t revision, uint64_t timeout_ns) {
    struct gw_standing standing;
    struct gw_bytes text;
    gw_standing_read(context->catalog, context->publisher, &standing);
    gw_bytes_init_arena(&text, &request->arena, 256);
    gw_bytes_addf(&text,
                  "This gateway did not route by revision %llu within %llu ms; it routes by "
                  "%llu.",
                  (unsigned long long)revision, (unsigned long long)(timeout_ns / GW_NS_PER_MS),
                  (unsigned long long)standing.routed_revision);
    if (!standing.is_up) {
        gw_bytes_addf(&text, " The storage cannot be reached: %.*s", GW_FMT(standing.down_why));
    }
    gw_config_answer_error(context, &gw_config_native, request, 504, gw_bytes_str(&text));
}

static void on_late(struct gw_timer *timer) {
    struct wait *wait = GW_CONTAINER(timer, struct wait, timer);
    struct gw_config_context *context = wait->context;
    const uint64_t revision = wait->revision;
    const uint64_t timeout_ns = wait->timeout_ns;
    answer_late(context, end(wait), revision, timeout_ns);
}

void gw_status_wait(struct gw_config_context *context, struct gw_http_request *request,
                    uint64_t revision, uint64_t timeout_ns) {
    if (is_routed(context, revision)) {
        gw_status_answer(context, request);
    } else if (timeout_ns == 0) {
        answer_late(context, request, revision, timeout_ns);
    } else if (context->is_draining) {
        gw_config_answer_error(context, &gw_config_native, request, 503,
                               GW_STR("Service Unavailable"));
    } else if (context->wait_count >= GW_MAX_STATUS_WAITS) {
        gw_config_answer_error(context, &gw_config_native, request, 503,
                               GW_STR("Too many clients wait for a revision; please try again."));
    } else {
        struct wait *wait = gw_alloc(sizeof *wait);
        wait->loop = gw_loop_current();
        wait->context = context;
        wait->request = request;
        wait->revision = revision;
        wait->timeout_ns = timeout_ns;
        request->user = wait;
        context->wait_count++;
        context->busy++;
        gw_list_push(&context->waits, &wait->node);
        gw_timer_start(wait->loop, &wait->timer, timeout_ns, on_late);
    }
}

static void on_gone(struct gw_timer *timer) {
    struct wait *wait = GW_CONTAINER(timer, struct wait, timer);
    struct gw_config_context *context = wait->context;
    gw_config_answer_error(context, &gw_config_native, end(wait), 503,
                           GW_STR("Service Unavailable"));
}

/* The server is in the middle of something; it drops the answer. */
void gw_status_wait_gone(struct gw_config_context *context, struct gw_http_request *request) {
    (void)context;
    struct wait *wait = request->user;
    if (wait != NULL) {
        gw_timer_start(wait->loop, &wait->timer, 0, on_gone);
    }
}

void gw_status_waits_check(struct gw_config_context *context) {
    for (struct gw_node *node = context->waits.next; node != &context->waits;) {
        struct wait *wait = GW_CONTAINER(node, struct wait, node);
        node = node->next;
        if (is_routed(context, wait->revision)) {
            gw_status_answer(context, end(wait));
        }
    }
}

void gw_status_waits_end(struct gw_config_context *context) {
    context->is_draining = true;
    while (!gw_list_empty(&context->waits)) {
        struct wait *wait = GW_CONTAINER(context->waits.next, struct wait, node);
        gw_config_answer_error(context, &gw_config_native, end(wait), 503,
                               GW_STR("Service Unavailable"));
    }
}
