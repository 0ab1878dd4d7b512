/*
 * batch_reply.c - answers of the services, read entry by entry. Loop thread.
 *
 * Status 200 says nothing about the entries of a batch: each has its own outcome. What the service
 * did not answer for counts as transient; whether it took the event is unknown.
 */
#include "batch_reply.h"

#include "json_build.h"

struct reader {
    const struct eg_host *host;
    const struct aws_connector *connector;
    const struct aws_call_reply *reply;
};

static struct eg_str text_of(const struct reader *r, const struct eg_json *entry,
                             struct eg_str name) {
    const struct eg_json_api *json = r->host->json;
    if (name.len == 0 || json->kind(entry) != EG_JSON_OBJECT) {
        return egx_str_n(NULL, 0);
    }
    return json->string(json->member(entry, name));
}

static void end_unreadable(const struct aws_put *put, const char *reason) {
    egx_done_call_failed(put->op, EG_E_PROTO, EG_CALL_TRANSIENT, "the answer of the service %s",
                         reason);
}

/* A sender's fault will fail again; InternalFailure and the like may not. */
static uint32_t status_of_entry(const struct reader *r, const struct eg_json *entry) {
    const struct eg_json *fault = r->host->json->member(entry, EGX_STR("SenderFault"));
    return r->host->json->integer(fault) != 0 ? 400 : 500;
}

static void end_failed_entry(const struct reader *r, const struct eg_json *entry,
                             const struct aws_put *put, struct eg_str code) {
    const struct eg_str message = text_of(r, entry, r->connector->message);
    const uint32_t call_class = aws_code_class(code, status_of_entry(r, entry));
    egx_done_call_failed(put->op, EG_OK, call_class, "%.*s: %.*s", EGX_FMT(code), EGX_FMT(message));
}

static void end_good_entry(const struct reader *r, const struct eg_json *entry,
                           const struct aws_put *put) {
    struct egx_json json = egx_json_begin();
    egx_json_open(&json, '{');
    for (size_t i = 0; i < EGX_COUNT(r->connector->acks); i++) {
        const struct aws_ack *ack = &r->connector->acks[i];
        const struct eg_str value = text_of(r, entry, ack->member);
        if (value.len > 0) {
            aws_json_member(&json, ack->name, value);
        }
    }
    egx_json_close(&json, '}');
    aws_done_accepted(put->op, r->reply->status, &json);
}

static void end_entry(const struct reader *r, const struct eg_json *entry,
                      const struct aws_put *put) {
    const struct eg_str code = text_of(r, entry, r->connector->code);
    if (code.len > 0) {
        end_failed_entry(r, entry, put, code);
    } else if (text_of(r, entry, r->connector->acks[0].member).len == 0) {
        end_unreadable(put, "does not say what became of the event");
    } else if (r->connector->verify != NULL && r->connector->verify(r->host, entry, put) < 0) {
        end_unreadable(put, "has another MD5 than the event that was sent");
    } else {
        end_good_entry(r, entry, put);
    }
}

static void end_all_failed(const struct reader *r, const struct aws_put *first) {
    for (const struct aws_put *put = first; put != NULL; put = put->next) {
        aws_done_failed(put->op, r->reply, 0);
    }
}

void aws_batch_reply(const struct eg_host *host, const struct aws_connector *connector,
                     const struct aws_call_reply *reply, const struct aws_put *first,
                     size_t count) {
    const struct reader r = {host, connector, reply};
    struct eg_json *root = NULL;
    size_t index = 0;
    if (reply->error != 0 || reply->call_class != EG_CALL_OK) {
        end_all_failed(&r, first);
        return;
    }
    const int32_t rc =
        host->json->parse(host, egx_str_n(reply->body.ptr, reply->body.len), &root, NULL);
    for (const struct aws_put *put = first; put != NULL; put = put->next, index++) {
        if (rc < 0) {
            end_unreadable(put, "is not JSON");
        } else if (count == 1) {
            end_entry(&r, root, put);
        } else {
            end_entry(&r, connector->entry(host, root, index), put);
        }
    }
    host->json->free(host, root);
}
