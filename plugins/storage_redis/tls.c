/*
 * tls.c - see tls.h. hiredis can make contexts of its own, but these take any certificate that an
 * authority has signed, whatever its name; so the context is made here, with the name checked.
 *
 * Ownership: a connection (SSL) belongs to the hiredis context it is given to.
 */
#include "tls.h"

#include <arpa/inet.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct redis_tls {
    const struct eg_host *host;
    SSL_CTX *context;
};

static int32_t failed(struct eg_why *ret_why, const char *what, const char *file) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return egx_why(ret_why, EG_E_IO, "%s %s: %s", what, file,
                   reason == NULL ? "unknown error" : reason);
}

/* The files of settings are slices; OpenSSL wants C strings. */
static char *text_of(const struct eg_host *host, struct eg_str text) {
    char *copy = host->mem->alloc(host, text.len + 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

static int32_t load(SSL_CTX *context, const char *ca, const char *cert, const char *key,
                    struct eg_why *ret_why) {
    if (ca[0] == '\0' ? SSL_CTX_set_default_verify_paths(context) != 1
                      : SSL_CTX_load_verify_locations(context, ca, NULL) != 1) {
        return failed(ret_why, "cannot read the certificates of ca_file", ca);
    }
    if (cert[0] == '\0') {
        return EG_OK;
    }
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1) {
        return failed(ret_why, "cannot read the certificate of cert_file", cert);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        return failed(ret_why, "cannot use the private key of key_file", key);
    }
    return EG_OK;
}

int32_t redis_tls_create(const struct eg_host *host, struct eg_str ca_file, struct eg_str cert_file,
                         struct eg_str key_file, struct redis_tls **ret_tls,
                         struct eg_why *ret_why) {
    struct redis_tls *tls = host->mem->alloc(host, sizeof *tls);
    char *ca = text_of(host, ca_file);
    char *cert = text_of(host, cert_file);
    char *key = text_of(host, key_file);
    int32_t rc = EG_OK;
    ERR_clear_error();
    tls->host = host;
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->context == NULL) {
        rc = failed(ret_why, "no TLS", "context");
        goto out;
    }
    (void)SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    /* SSL_CTX_set_mode(3): a long write goes on record by record; and it may be tried again from
     * where the buffer has moved as it grew (which hiredis sets for each connection, too). */
    (void)SSL_CTX_set_mode(tls->context,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    rc = load(tls->context, ca, cert, key, ret_why);
out:
    host->mem->free(host, ca);
    host->mem->free(host, cert);
    host->mem->free(host, key);
    if (rc != EG_OK) {
        redis_tls_free(tls);
        return rc;
    }
    *ret_tls = tls;
    return EG_OK;
}

void redis_tls_free(struct redis_tls *tls) {
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->context);
    tls->host->mem->free(tls->host, tls);
}

static int is_address(const char *name) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

int32_t redis_tls_connection(struct redis_tls *tls, const char *server_name,
                             struct ssl_st **ret_ssl) {
    SSL *ssl = SSL_new(tls->context);
    if (ssl == NULL) {
        return EG_E_INTERNAL;
    }
    /* RFC 6066 3: literal addresses are not permitted as server name. */
    const int is_set = is_address(server_name)
                           ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name) == 1
                           : SSL_set_tlsext_host_name(ssl, server_name) == 1 &&
                                 SSL_set1_host(ssl, server_name) == 1;
    if (!is_set) {
        SSL_free(ssl);
        return EG_E_INTERNAL;
    }
    *ret_ssl = ssl;
    return EG_OK;
}

void redis_tls_free_connection(struct ssl_st *ssl) {
    SSL_free(ssl);
}

int32_t redis_tls_reason(struct ssl_st *ssl, char *out, size_t size) {
    const long verified = SSL_get_verify_result(ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (verified != X509_V_OK) {
        (void)snprintf(out, size, "the certificate is not accepted: %s",
                       X509_verify_cert_error_string(verified));
        return 1;
    }
    (void)snprintf(out, size, "%s%s", reason == NULL ? "" : "TLS: ", reason == NULL ? "" : reason);
    return 0;
}

int32_t redis_tls_waits_for_peer(struct ssl_st *ssl) {
    return SSL_want_read(ssl);
}

void redis_tls_forget_errors(void) {
    ERR_clear_error();
}
