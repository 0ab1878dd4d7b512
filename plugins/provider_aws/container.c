/*
 * container.c - address and token of the container credentials endpoint. Pool threads: the token
 * may be in a file.
 */
#include "container.h"

#include <stdlib.h>

#include "profile.h"
#include "uri.h"

#define RELATIVE_HOST "http://169.254.170.2"

/* Hosts that plain http may be spoken with, as botocore has them. */
static const char *const local_hosts[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
                                          "localhost", "[::1]"};

static struct eg_str without_port(struct eg_str host) {
    for (size_t i = host.len; i > 0 && host.ptr[i - 1] != ']'; i--) {
        if (host.ptr[i - 1] == ':') {
            return egx_str_n(host.ptr, i - 1);
        }
    }
    return host;
}

/* 127.0.0.0/8 written as four numbers; "127.evil.example" is none. */
static int is_loopback(struct eg_str host) {
    size_t dots = 0;
    for (size_t i = 0; i < host.len; i++) {
        dots += host.ptr[i] == '.';
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9')) {
            return 0;
        }
    }
    return dots == 3 && egx_str_starts(host, EGX_STR("127."));
}

static int is_local(struct eg_str host) {
    for (size_t i = 0; i < EGX_COUNT(local_hosts); i++) {
        if (egx_str_eq_nocase(host, egx_str_c(local_hosts[i]))) {
            return 1;
        }
    }
    return is_loopback(host);
}

int32_t aws_container_url(struct eg_str relative, struct eg_str full, char **ret_url,
                          struct eg_why *ret_why) {
    struct aws_url url;
    struct eg_str address = full;
    char joined[2048];
    if (relative.len > 0) {
        const int len = snprintf(joined, sizeof joined, RELATIVE_HOST "%.*s", EGX_FMT(relative));
        if (relative.ptr[0] != '/' || len < 0 || (size_t)len >= sizeof joined) {
            return egx_why(ret_why, EG_E_INVAL,
                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI has to begin with '/'");
        }
        address = egx_str_c(joined);
    }
    const char *query = address.len == 0 ? NULL : memchr(address.ptr, '?', address.len);
    const struct eg_str bare =
        query == NULL ? address : egx_str_n(address.ptr, (size_t)(query - address.ptr));
    if (aws_url_parse(bare, &url) < 0) {
        return egx_why(ret_why, EG_E_INVAL, "the container credentials address is no URL");
    }
    if (!url.is_https && !is_local(without_port(url.host))) {
        return egx_why(ret_why, EG_E_DENIED,
                       "AWS_CONTAINER_CREDENTIALS_FULL_URI has to be https, or http to an address "
                       "of this machine, and is neither");
    }
    *ret_url = aws_copy(address);
    return EG_OK;
}

int32_t aws_container_token(const struct aws_env *env, char **ret_token, struct eg_why *ret_why) {
    const struct eg_str file = aws_env_get(env, AWS_ENV_CONTAINER_AUTHORIZATION_TOKEN_FILE);
    const struct eg_str given = aws_env_get(env, AWS_ENV_CONTAINER_AUTHORIZATION_TOKEN);
    char *token = NULL;
    if (file.len > 0) {
        char *path = aws_copy(file);
        const int32_t status = aws_read_file(path, &token);
        if (status < 0) {
            (void)egx_why(ret_why, status, "cannot read the container authorization token %s: %s",
                          path, egx_error_text(status));
        }
        free(path);
        if (status < 0) {
            return status;
        }
        token[strcspn(token, "\r\n")] = '\0';
    } else if (given.len > 0) {
        token = aws_copy(given);
    }
    if (token != NULL && strpbrk(token, "\r\n") != NULL) {
        aws_free_secret(token);
        return egx_why(ret_why, EG_E_INVAL,
                       "the container authorization token holds more than one line");
    }
    *ret_token = token;
    return EG_OK;
}
