/*
 * check_middleware.c - requests, events and replies, ordinary ones and what clients on the Internet
 * send. A request passes the hooks in the gateway's order.
 */
#include "check_parts.h"

struct request {
    const char *name;
    const char *method;
    const char *target;
    const char *headers; /* "Name: value\n..." */
    const char *body;    /* NULL: 64 KiB of a */
    const char *event;   /* NULL: none is made of it */
};

#define EVENT(rest)                                                                                \
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/check\",\"type\":\"check.made\"" rest "}"

static const struct request requests[] = {
    {"an event", "POST", "/", "Content-Type: application/cloudevents+json\n",
     EVENT(",\"data\":{\"a\":1}"),
     EVENT(",\"datacontenttype\":\"application/json\",\"data\":{\"a\":1}")},
    {"a request of HTTP", "GET", "/users/1?a=b&a=c", "Accept: */*\nAuthorization: Bearer x\n", "",
     EVENT(",\"data\":{\"path\":\"/users/1\"}")},
    /* from here on: hostile */
    {"an event without data", "POST", "/", "", "{}", EVENT("")},
    {"data that is no object", "POST", "/", "", "[]", EVENT(",\"data\":[null,[[[]]],\"\\u0001\"]")},
    {"binary data", "PUT", "/x", "Content-Type: application/octet-stream\n", "\x01\xff\xfe",
     EVENT(",\"data_base64\":\"Af/+\"")},
    {"a body that is no JSON", "POST", "/", "Content-Type: application/json\n", "{\"a\":", NULL},
    {"a body that is no UTF-8", "POST", "/", "Content-Type: text/plain\n", "\xc3\x28\x80", NULL},
    {"64 KiB of body", "POST", "/", "", NULL, NULL},
    {"escapes in the path", "DELETE", "/%00/..%2f%2e%2e/%ff?%=&&=&;", "", "", EVENT("")},
    {"headers that are empty, long and repeated", "GET", "/",
     "Authorization: \nAuthorization: Basic !!!!\nCookie: ;;=;\nContent-Length: -1\n"
     "X-Forwarded-For: ,,::1%eth0,999.999.999.999\nAccept: "
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "\n",
     "", EVENT(",\"a_b\":\"\\ud83d\\ude00\"")},
    {"an unknown method", "BREW", "*", "", "", NULL},
};
#define ORDINARY 2u

static void add_headers(struct eg_exchange *exchange, const char *headers) {
    char line[512];
    for (const char *at = headers; *at != '\0';) {
        const size_t len = strcspn(at, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)len, at);
        char *colon = strchr(line, ':');
        *colon = '\0';
        egx_fake_add_header(exchange, line, colon + 1 + strspn(colon + 1, " "));
        at += len + 1;
    }
}

static struct eg_exchange *make_exchange(struct check_subject *subject,
                                         const struct request *request) {
    struct eg_exchange *exchange =
        egx_fake_exchange(subject->fake, request->method, request->target);
    add_headers(exchange, request->headers);
    if (request->body != NULL) {
        egx_fake_set_body(exchange, request->body);
    } else {
        char *body = fake_keep(subject->fake, 65537);
        memset(body, 'a', 65536);
        egx_fake_set_body(exchange, body);
    }
    return exchange;
}

/* EG_STOP without a reply leaves the client without one. */
static int32_t judge_hook(struct check_call *call, int32_t rc, struct eg_exchange *exchange) {
    int32_t verdict = EG_NEXT;
    const int32_t status = check_judge(call, rc, 1, &verdict, NULL);
    if (status == EG_OK && verdict == EG_STOP && egx_fake_reply_status(exchange) == 0) {
        check_breach(call, "EG_STOP without a reply: call exchange->reply or reply_error first");
    }
    const uint32_t reply = egx_fake_reply_status(exchange);
    if (reply != 0 && (reply < 200 || reply > 999)) {
        check_breach(call, "it replied with status %u", reply);
    }
    return status < 0 ? status : verdict;
}

static struct check_call begin(struct check_subject *subject, const char *name,
                               const struct request *request, enum check_weather weather) {
    const struct eg_middleware_ops *ops = subject->run->component->ops;
    struct check_call call = check_begin(subject, name, request->name, 1);
    call.weather = weather;
    call.cancel = EG_HAS(ops, cancel) ? ops->cancel : NULL;
    return call;
}

static int32_t pass_in(struct check_subject *subject, const struct request *request,
                       struct eg_exchange *exchange, enum check_weather weather) {
    const struct eg_middleware_ops *ops = subject->run->component->ops;
    int32_t verdict = EG_NEXT;
    if (ops->on_request != NULL) {
        struct check_call call = begin(subject, "on_request", request, weather);
        const int32_t rc =
            ops->on_request(subject->instance, subject->slot, exchange, &call.op->pub);
        verdict = judge_hook(&call, rc, exchange);
    }
    if (verdict == EG_NEXT && request->event != NULL && ops->on_event != NULL) {
        struct eg_event *event = egx_fake_event(subject->fake, request->event);
        egx_fake_set_event(exchange, event);
        struct check_call call = begin(subject, "on_event", request, weather);
        const int32_t rc =
            ops->on_event(subject->instance, subject->slot, exchange, event, &call.op->pub);
        verdict = judge_hook(&call, rc, exchange);
    }
    return verdict;
}

static void pass(struct check_subject *subject, const struct request *request,
                 enum check_weather weather) {
    const struct eg_middleware_ops *ops = subject->run->component->ops;
    const struct eg_host *host = egx_fake_host(subject->fake);
    struct eg_exchange *exchange = make_exchange(subject, request);
    (void)pass_in(subject, request, exchange, weather);
    if (egx_fake_reply_status(exchange) == 0) {
        host->exchange->reply(exchange, 200, EGX_STR("application/json"),
                              egx_buf_static(EGX_STR("{\"answer\":1}")));
    }
    if (ops->on_reply != NULL && !subject->is_stuck) {
        struct check_call call = begin(subject, "on_reply", request, weather);
        const int32_t rc = ops->on_reply(subject->instance, subject->slot, exchange, &call.op->pub);
        (void)judge_hook(&call, rc, exchange);
    }
    if (!subject->is_stuck) {
        struct check_call call = check_begin(subject, "release of what it kept", request->name, 0);
        egx_fake_end_exchange(exchange);
        check_returned(&call);
    }
}

void check_middleware(struct check_subject *subject, int is_short) {
    const uint32_t before = subject->run->calls;
    const size_t count = is_short ? ORDINARY : EGX_COUNT(requests);
    for (size_t i = 0; i < count && !subject->is_stuck; i++) {
        pass(subject, &requests[i], CHECK_FINE);
    }
    /* What it asks others is answered in all ways. */
    const int asks = egx_fake_request_count(subject->fake) > 0;
    for (uint32_t weather = CHECK_FINE + 1;
         asks && !is_short && !subject->is_stuck && weather < CHECK_WEATHERS; weather++) {
        pass(subject, &requests[0], (enum check_weather)weather);
    }
    check_stage(subject->run, "%u calls with %zu kinds of requests", subject->run->calls - before,
                count);
}
