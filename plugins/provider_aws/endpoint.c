/* endpoint.c - addresses of services. Pure but for the snapshot of the environment; any thread. */
#include "endpoint.h"

static const struct {
    const char *service;
    enum aws_env_name variable;
} variables[] = {
    {"lambda", AWS_ENV_ENDPOINT_URL_LAMBDA},     {"kinesis", AWS_ENV_ENDPOINT_URL_KINESIS},
    {"firehose", AWS_ENV_ENDPOINT_URL_FIREHOSE}, {"sqs", AWS_ENV_ENDPOINT_URL_SQS},
    {"sts", AWS_ENV_ENDPOINT_URL_STS},
};

static struct eg_str from_environment(const struct aws_env *env, struct eg_str service) {
    const struct eg_str ignore = aws_env_get(env, AWS_ENV_IGNORE_CONFIGURED_ENDPOINT_URLS);
    if (egx_str_eq_nocase(ignore, EGX_STR("true"))) {
        return egx_str_n(NULL, 0);
    }
    for (size_t i = 0; i < EGX_COUNT(variables); i++) {
        const struct eg_str value = aws_env_get(env, variables[i].variable);
        if (egx_str_eq(service, egx_str_c(variables[i].service)) && value.len > 0) {
            return value;
        }
    }
    return aws_env_get(env, AWS_ENV_ENDPOINT_URL);
}

/* It becomes part of a host name and of the signature's scope. */
static int is_label(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-')) {
            return 0;
        }
    }
    return s.len > 0 && s.len <= 63;
}

/* Clients leave the scheme's own port out of the Host header. */
static struct eg_str host_header(const struct aws_url *url) {
    const struct eg_str port = url->is_https ? EGX_STR(":443") : EGX_STR(":80");
    const struct eg_str host = url->host;
    const int has_it =
        host.len > port.len && egx_str_eq(egx_str_cut(host, host.len - port.len), port);
    return has_it ? egx_str_n(host.ptr, host.len - port.len) : host;
}

int32_t aws_endpoint_make(const struct aws_env *env, struct eg_str service, struct eg_str region,
                          struct eg_str override, struct aws_endpoint *ret_endpoint) {
    const struct eg_str given = override.len > 0 ? override : from_environment(env, service);
    const char *suffix = egx_str_starts(region, EGX_STR("cn-")) ? ".cn" : "";
    struct aws_url url;
    if (!is_label(service) || !is_label(region)) {
        return EG_E_INVAL;
    }
    const int len = given.len > 0 ? snprintf(ret_endpoint->base, sizeof ret_endpoint->base, "%.*s",
                                             EGX_FMT(given))
                                  : snprintf(ret_endpoint->base, sizeof ret_endpoint->base,
                                             "https://%.*s.%.*s.amazonaws.com%s", EGX_FMT(service),
                                             EGX_FMT(region), suffix);
    if (len <= 0 || (size_t)len >= sizeof ret_endpoint->base) {
        return EG_E_INVAL;
    }
    for (size_t end = (size_t)len; end > 0 && ret_endpoint->base[end - 1] == '/'; end--) {
        ret_endpoint->base[end - 1] = '\0';
    }
    if (aws_url_parse(egx_str_c(ret_endpoint->base), &url) < 0) {
        return EG_E_INVAL;
    }
    ret_endpoint->host = host_header(&url);
    ret_endpoint->path = url.path;
    return EG_OK;
}
