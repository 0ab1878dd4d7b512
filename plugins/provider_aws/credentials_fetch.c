/*
 * credentials_fetch.c - walks a plan. The first job (files, processes) runs on a pool thread; then
 * each request is one row of `steps`, until the base keys are there and every role is assumed.
 *
 * A fetch belongs to itself: it is freed when done was called. Loop thread but for make_plan.
 */
#include "credentials_fetch.h"

#include <stdlib.h>

#include "credentials_plan.h"
#include "endpoint.h"
#include "hmac.h"
#include "sts.h"

#define NS_PER_S UINT64_C(1000000000)
#define MAX_ANSWER_BYTES 65536u
#define RETRY_NS NS_PER_S

enum step {
    STEP_METADATA_TOKEN,
    STEP_METADATA_ROLE,
    STEP_METADATA_KEYS,
    STEP_CONTAINER,
    STEP_WEB_IDENTITY,
    STEP_ASSUME_ROLE,
};

struct aws_fetch {
    const struct eg_host *host;
    struct eg_loop *loop;
    const struct aws_env *env;
    struct aws_clock *clock;
    char *profile;
    char *region;
    aws_fetch_done_fn done;
    void *arg;

    struct aws_plan plan;
    int32_t plan_status;
    uint32_t roles_left;
    struct aws_creds *creds; /* the best so far; NULL until the base has answered */
    char *metadata_token;
    char *metadata_role;

    enum step step;
    uint32_t attempts; /* of this step, the running one included */
    struct eg_timer *timer;
    int32_t is_pausing; /* nothing but the timer will go on */
    struct eg_http_call *call;
    struct aws_endpoint endpoint;
    char *url;
    char *body;
    struct aws_signature signature;
    struct eg_kv headers[4];
    struct eg_http_request request;
    struct eg_why why;
};

static void send_step(void *arg);

/* ---- the end ---- */

static void free_request(struct aws_fetch *f) {
    free(f->url);
    aws_free_secret(f->body);
    aws_signature_free(&f->signature);
    f->url = NULL;
    f->body = NULL;
}

static void finish(struct aws_fetch *f, int32_t status) {
    if (status < 0) {
        aws_creds_unref(f->creds);
        f->creds = NULL;
        f->why.len = f->why.len > 0
                         ? f->why.len
                         : (uint32_t)snprintf(f->why.text, sizeof f->why.text,
                                              "AWS credentials: %s", egx_error_text(status));
    } else {
        egx_log(f->host, EG_LOG_DEBUG, "AWS credentials from %s", f->plan.where);
    }
    f->host->loop->timer_stop(f->host, f->timer);
    f->done(f->arg, f->creds, egx_str_n(f->why.text, f->why.len));
    free_request(f);
    aws_plan_free(&f->plan);
    aws_free_secret(f->metadata_token);
    free(f->metadata_role);
    free(f->profile);
    free(f->region);
    free(f);
}

/* ---- requests: each fills url, headers, body ---- */

static char *join(const char *a, const char *b, const char *c) {
    char *text = NULL;
    return asprintf(&text, "%s%s%s", a, b, c) < 0 ? NULL : text;
}

static void add_header(struct aws_fetch *f, struct eg_str name, const char *value) {
    f->headers[f->request.header_count++] = (struct eg_kv){name, egx_str_c(value)};
}

static int32_t prepare_metadata_token(struct aws_fetch *f) {
    f->request.method = EGX_STR("PUT");
    f->url = join(f->plan.url, "/latest/api/token", "");
    add_header(f, EGX_STR("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
    return EG_OK;
}

#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"

static int32_t prepare_metadata_role(struct aws_fetch *f) {
    f->url = join(f->plan.url, ROLES_PATH, "");
    add_header(f, EGX_STR("x-aws-ec2-metadata-token"), f->metadata_token);
    return EG_OK;
}

static int32_t prepare_metadata_keys(struct aws_fetch *f) {
    f->url = join(f->plan.url, ROLES_PATH, f->metadata_role);
    add_header(f, EGX_STR("x-aws-ec2-metadata-token"), f->metadata_token);
    return EG_OK;
}

static int32_t prepare_container(struct aws_fetch *f) {
    f->url = aws_copy(egx_str_c(f->plan.url));
    add_header(f, EGX_STR("Accept"), "application/json");
    if (f->plan.token != NULL) {
        add_header(f, EGX_STR("Authorization"), f->plan.token);
    }
    return EG_OK;
}

static struct eg_str sts_region(const struct aws_fetch *f) {
    const char *region = f->plan.region != NULL ? f->plan.region : f->region;
    return region[0] == '\0' ? EGX_STR("us-east-1") : egx_str_c(region);
}

static int32_t prepare_sts(struct aws_fetch *f, char *body) {
    f->body = body;
    f->request.method = EGX_STR("POST");
    f->request.body = egx_str_c(body);
    f->request.ca_file = aws_env_get(f->env, AWS_ENV_CA_BUNDLE);
    if (aws_endpoint_make(f->env, EGX_STR("sts"), sts_region(f), egx_str_n(NULL, 0), &f->endpoint) <
        0) {
        return egx_why(&f->why, EG_E_INVAL, "the region or the endpoint of STS is none");
    }
    f->url = join(f->endpoint.base, "/", "");
    f->headers[f->request.header_count++] =
        (struct eg_kv){EGX_STR("Content-Type"), EGX_STR("application/x-www-form-urlencoded")};
    return EG_OK;
}

static const struct aws_role *role_of(const struct aws_fetch *f) {
    return &f->plan.roles[f->roles_left - 1];
}

static int32_t prepare_web_identity(struct aws_fetch *f) {
    return prepare_sts(f, aws_sts_web_identity(role_of(f), f->plan.token));
}

static int32_t prepare_assume_role(struct aws_fetch *f) {
    int32_t status = prepare_sts(f, aws_sts_assume_role(role_of(f)));
    if (status < 0) {
        return status;
    }
    char *path = join(f->endpoint.path.len > 0 ? f->endpoint.path.ptr : "", "/", "");
    const struct aws_sign_request sign = {
        .method = f->request.method,
        .host = f->endpoint.host,
        .path = egx_str_c(path),
        .headers = f->headers,
        .header_count = f->request.header_count,
        .body = f->request.body,
        .region = sts_region(f),
        .service = EGX_STR("sts"),
        .unix_s = aws_clock_now_s(f->clock, f->host),
    };
    status = aws_sign(&sign, &f->creds->keys, NULL, 0, &f->signature);
    free(path);
    if (status < 0) {
        return status;
    }
    add_header(f, EGX_STR("X-Amz-Date"), f->signature.date);
    f->headers[f->request.header_count++] =
        (struct eg_kv){EGX_STR("Authorization"), f->signature.authorization};
    if (f->creds->keys.session_token.len > 0) {
        f->headers[f->request.header_count++] =
            (struct eg_kv){EGX_STR("X-Amz-Security-Token"), f->creds->keys.session_token};
    }
    return EG_OK;
}

/* ---- answers: EG_OK goes on, EG_E_BUSY tries again, all else ends ---- */

static int32_t refuse(struct aws_fetch *f, const char *what,
                      const struct eg_http_response *response, const char *hint) {
    const int is_again = response->error != 0 || response->status >= 500 || response->status == 429;
    if (response->error != 0) {
        return egx_why(&f->why, EG_E_BUSY, "the %s cannot be reached: %.*s%s", what,
                       EGX_FMT(response->message), hint);
    }
    return egx_why(&f->why, is_again ? EG_E_BUSY : EG_E_DENIED, "the %s answered with status %d%s",
                   what, (int)response->status, hint);
}

/* One line of visible characters: it becomes a header or a part of a path. */
static int32_t take_line(const struct eg_http_response *response, size_t most, char **ret_line) {
    struct eg_str text = egx_str_n(response->body.ptr, response->body.len);
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c == '\n' || c == '\r') {
            text.len = i;
        } else if (c <= 0x20 || c >= 0x7f || strchr("?#%", (int)c) != NULL) {
            return EG_E_PROTO;
        }
    }
    if (text.len == 0 || text.len > most) {
        return EG_E_PROTO;
    }
    *ret_line = aws_copy(text);
    return EG_OK;
}

#define HOP_HINT                                                                                   \
    " (inside a container the instance's metadata hop limit has to be 2; without an instance set " \
    "AWS_EC2_METADATA_DISABLED=true)"

static int32_t accept_metadata_line(struct aws_fetch *f, const struct eg_http_response *response,
                                    char **ret_line) {
    if (response->error != 0 || response->status != 200) {
        return refuse(f, "instance metadata service", response, HOP_HINT);
    }
    return take_line(response, 1024, ret_line) < 0
               ? egx_why(&f->why, EG_E_PROTO,
                         "the instance metadata service answered no token or role")
               : EG_OK;
}

static int32_t accept_metadata_token(struct aws_fetch *f, const struct eg_http_response *response) {
    return accept_metadata_line(f, response, &f->metadata_token);
}

static int32_t accept_metadata_role(struct aws_fetch *f, const struct eg_http_response *response) {
    return accept_metadata_line(f, response, &f->metadata_role);
}

static int32_t accept_json(struct aws_fetch *f, const char *what,
                           const struct eg_http_response *response) {
    if (response->error != 0 || response->status != 200) {
        return refuse(f, what, response, "");
    }
    return aws_creds_from_json(f->host, what, egx_str_n(response->body.ptr, response->body.len),
                               aws_clock_now_s(f->clock, f->host), &f->creds, &f->why);
}

/* Metadata that cannot renew its keys goes on giving the old ones: the services take them ("static
 * stability"), so they are kept for 15 minutes and 2 to 10 more, by chance. */
static int32_t accept_metadata_keys(struct aws_fetch *f, const struct eg_http_response *response) {
    const int32_t status = accept_json(f, "instance metadata service", response);
    const int64_t now_s = aws_clock_now_s(f->clock, f->host);
    if (status == EG_OK && f->creds->expires_s <= now_s) {
        const int64_t chance_s = (int64_t)(f->host->clock->monotonic_ns(f->host) / 1000 % 480);
        f->creds->expires_s = AWS_NEVER_S;
        f->creds->must_s = AWS_NEVER_S;
        f->creds->refresh_s = now_s + 900 + 120 + chance_s;
        egx_log(f->host, EG_LOG_WARN,
                "the instance metadata service gives expired AWS credentials; they are used on");
    }
    return status;
}

static int32_t accept_container(struct aws_fetch *f, const struct eg_http_response *response) {
    return accept_json(f, "container credentials endpoint", response);
}

/* Refusals that go by themselves: the issuer's keys were not there yet, or the clock was wrong. */
static int32_t is_worth_again(struct aws_fetch *f, struct eg_str code,
                              const struct eg_http_response *response) {
    return egx_str_eq(code, EGX_STR("IDPCommunicationError")) ||
           egx_str_eq(code, EGX_STR("InvalidIdentityToken")) ||
           aws_clock_learn(f->clock, f->host, response->headers, response->header_count);
}

static int32_t accept_sts(struct aws_fetch *f, const struct eg_http_response *response) {
    const struct eg_str body = egx_str_n(response->body.ptr, response->body.len);
    struct aws_creds *creds = NULL;
    const struct eg_str secret =
        f->creds != NULL ? f->creds->keys.session_token : egx_str_c(f->plan.token);
    if (response->error != 0) {
        return refuse(f, "STS", response, "");
    }
    if (response->status != 200) {
        const struct eg_str code = aws_xml_text(body, "Code");
        const int is_again = response->status >= 500 || is_worth_again(f, code, response);
        return egx_why(&f->why, is_again ? EG_E_BUSY : EG_E_DENIED,
                       "STS refuses the role %s with status %d: %.*s %.*s", role_of(f)->arn,
                       (int)response->status, EGX_FMT(code),
                       EGX_FMT(aws_text_before(aws_xml_text(body, "Message"), secret)));
    }
    const int32_t status =
        aws_creds_from_xml(body, aws_clock_now_s(f->clock, f->host), &creds, &f->why);
    if (status == EG_OK) {
        aws_creds_unref(f->creds);
        f->creds = creds;
        f->roles_left--;
    }
    return status;
}

struct step_row {
    int32_t (*prepare)(struct aws_fetch *f);
    int32_t (*accept)(struct aws_fetch *f, const struct eg_http_response *response);
    uint64_t timeout_ns;
    uint32_t attempts;
};
static const struct step_row steps[] = {
    [STEP_METADATA_TOKEN] = {prepare_metadata_token, accept_metadata_token, NS_PER_S, 1},
    [STEP_METADATA_ROLE] = {prepare_metadata_role, accept_metadata_role, NS_PER_S, 1},
    [STEP_METADATA_KEYS] = {prepare_metadata_keys, accept_metadata_keys, NS_PER_S, 1},
    [STEP_CONTAINER] = {prepare_container, accept_container, 2 * NS_PER_S, 3},
    [STEP_WEB_IDENTITY] = {prepare_web_identity, accept_sts, 5 * NS_PER_S, 3},
    [STEP_ASSUME_ROLE] = {prepare_assume_role, accept_sts, 5 * NS_PER_S, 3},
};

/* ---- the walk ---- */

static void next(struct aws_fetch *f) {
    static const enum step first[] = {
        [AWS_BASE_WEB_IDENTITY] = STEP_WEB_IDENTITY,
        [AWS_BASE_CONTAINER] = STEP_CONTAINER,
        [AWS_BASE_METADATA] = STEP_METADATA_TOKEN,
    };
    if (f->creds != NULL && f->creds->expires_s <= aws_clock_now_s(f->clock, f->host)) {
        finish(f, egx_why(&f->why, EG_E_DENIED, "the AWS credentials from %s have expired already",
                          f->plan.where));
        return;
    }
    if (f->creds != NULL && f->roles_left == 0) {
        finish(f, EG_OK);
        return;
    }
    f->attempts = 0;
    f->step = f->creds != NULL            ? STEP_ASSUME_ROLE
              : f->metadata_role != NULL  ? STEP_METADATA_KEYS
              : f->metadata_token != NULL ? STEP_METADATA_ROLE
                                          : first[f->plan.base];
    send_step(f);
}

static void on_answer(void *arg, const struct eg_http_response *response) {
    struct aws_fetch *f = arg;
    struct eg_buf body = response->body;
    const struct step_row *row = &steps[f->step];
    const int32_t status = row->accept(f, response);
    egx_buf_release(&body);
    free_request(f);
    if (status == EG_OK) {
        next(f);
    } else if (status == EG_E_BUSY && f->attempts < row->attempts) {
        f->host->loop->timer_stop(f->host, f->timer);
        f->is_pausing = 1;
        f->timer = f->host->loop->timer_start(f->host, f->loop, RETRY_NS, 0, send_step, f);
    } else {
        finish(f, status);
    }
}

static void send_step(void *arg) {
    struct aws_fetch *f = arg;
    f->is_pausing = 0;
    f->attempts++;
    f->why.len = 0;
    f->request = (struct eg_http_request){
        .struct_size = sizeof f->request,
        .flags = EG_HTTP_NO_REDIRECT,
        .method = EGX_STR("GET"),
        .headers = f->headers,
        .timeout_ns = steps[f->step].timeout_ns,
        .max_response_bytes = MAX_ANSWER_BYTES,
    };
    int32_t status = steps[f->step].prepare(f);
    if (status == EG_OK) {
        f->request.url = egx_str_c(f->url);
        status = f->host->http->send(f->host, f->loop, &f->request, on_answer, f, &f->call);
    }
    if (status < 0) {
        finish(f, status);
    }
}

/* ---- the beginning ---- */

static void make_plan(void *arg) { /* pool thread */
    struct aws_fetch *f = arg;
    f->plan_status = aws_plan_make(f->env, egx_str_c(f->profile), &f->plan, &f->why);
}

static int32_t take_base(struct aws_fetch *f) {
    const int64_t now_s = aws_clock_now_s(f->clock, f->host);
    if (f->plan.base == AWS_BASE_KEYS) {
        const struct aws_keys keys = {egx_str_c(f->plan.access_key_id),
                                      egx_str_c(f->plan.secret_access_key),
                                      egx_str_c(f->plan.session_token)};
        f->creds = aws_creds_new(&keys, AWS_NEVER_S, now_s);
    } else if (f->plan.base == AWS_BASE_DOCUMENT) {
        return aws_creds_from_json(f->host, "credential_process", egx_str_c(f->plan.document),
                                   now_s, &f->creds, &f->why);
    }
    return EG_OK;
}

static void on_plan(void *arg) {
    struct aws_fetch *f = arg;
    int32_t status = f->plan_status;
    if (status == EG_OK) {
        f->roles_left = f->plan.role_count;
        status = take_base(f);
    }
    if (status < 0) {
        finish(f, status);
    } else {
        next(f);
    }
}

void aws_fetch_stop(struct aws_fetch *fetch) {
    if (fetch != NULL && fetch->is_pausing) {
        fetch->why.len = 0;
        finish(fetch, egx_why(&fetch->why, EG_E_CANCELED, "the gateway ends"));
    }
}

int32_t aws_fetch_start(const struct aws_fetch_config *config, aws_fetch_done_fn done, void *arg,
                        struct aws_fetch **ret_fetch) {
    struct aws_fetch *f = aws_alloc(sizeof *f);
    f->host = config->host;
    f->loop = config->loop;
    f->env = config->env;
    f->clock = config->clock;
    f->profile = aws_copy(config->profile);
    f->region = aws_copy(config->region);
    f->done = done;
    f->arg = arg;
    f->why.struct_size = sizeof f->why;
    const int32_t status = f->host->loop->run_blocking(f->host, f->loop, make_plan, on_plan, f);
    if (status < 0) {
        free(f->profile);
        free(f->region);
        free(f);
        return status;
    }
    *ret_fetch = f;
    return EG_OK;
}
