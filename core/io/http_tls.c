/*
 * io/http_tls.c - see http_tls.h. Certificates are judged inside the handshake and not afterwards,
 * so that a client without a good one never gets as far as the HTTP parser. libmicrohttpd closes
 * the socket of a handshake that failed without a word: the alert (RFC 8446 6.2) is ours.
 *
 * Thread: the loop's. Ownership: a read certificate is copied out of GnuTLS, which keeps none of
 * it.
 */
#include "io/http_tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"

#define FIELDS 5u /* EG_CERT_* and 0 */
#define FINGERPRINT_BYTES 32u

struct gw_client_cert {
    struct eg_str fields[FIELDS];
};

/* ---- during the handshake ---- */

static int refuse(gnutls_session_t session, gnutls_alert_description_t alert, int error) {
    (void)gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
    return error;
}

/* Chain, time, and purpose: a server's certificate of the same CA opens nothing. */
static int judge(gnutls_session_t session) {
    unsigned status = 0;
    gnutls_typed_vdata_st wanted = {
        .type = GNUTLS_DT_KEY_PURPOSE_OID,
        .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
    };
    const int rc = gnutls_certificate_verify_peers(session, &wanted, 1, &status);
    if (rc == GNUTLS_E_NO_CERTIFICATE_FOUND) {
        return 0; /* none was shown: whether that will do was decided by what was asked */
    }
    if (rc != GNUTLS_E_SUCCESS || status != 0) {
        const bool is_late = (status & GNUTLS_CERT_EXPIRED) != 0;
        return refuse(session, is_late ? GNUTLS_A_CERTIFICATE_EXPIRED : GNUTLS_A_BAD_CERTIFICATE,
                      GNUTLS_E_CERTIFICATE_ERROR);
    }
    return 0;
}

/* Called before GnuTLS reads the client's Certificate message. An empty one ends the handshake
 * without an alert; what it looks like: RFC 8446 4.4.2 (context, list) and RFC 5246 7.4.2 (list).
 */
static int on_certificate(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                          const gnutls_datum_t *message) {
    const bool is_1_3 = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;
    (void)type;
    (void)when;
    if (incoming != 0 && message->size <= (is_1_3 ? 4u : 3u)) {
        return refuse(session, is_1_3 ? GNUTLS_A_CERTIFICATE_REQUIRED : GNUTLS_A_HANDSHAKE_FAILURE,
                      GNUTLS_E_CERTIFICATE_REQUIRED);
    }
    return 0;
}

void gw_tls_ask_client(void *opaque, enum gw_client_auth auth) {
    gnutls_session_t session = opaque;
    gnutls_session_set_verify_function(session, judge);
    if (auth == GW_CLIENT_AUTH_REQUIRED) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CERTIFICATE_PKT,
                                           GNUTLS_HOOK_PRE, on_certificate);
    }
}

/* ---- afterwards ---- */

static struct eg_str take_text(gnutls_datum_t *text) {
    const struct eg_str copy =
        gw_str(gw_dup_cstr(gw_str((char *)text->data, text->size)), text->size);
    gnutls_free(text->data);
    text->data = NULL;
    return copy;
}

static struct eg_str hex_of(const unsigned char *bytes, size_t count) {
    static const char digits[] = "0123456789abcdef";
    char *text = gw_alloc(count * 2 + 1);
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15u];
    }
    return gw_str(text, count * 2);
}

static void read_fields(gnutls_x509_crt_t crt, struct gw_client_cert *cert) {
    unsigned char fingerprint[FINGERPRINT_BYTES];
    size_t len = sizeof fingerprint;
    gnutls_datum_t text = {0};
    if (gnutls_x509_crt_get_dn3(crt, &text, 0) == 0) { /* RFC 4514, also in its order */
        cert->fields[EG_CERT_SUBJECT] = take_text(&text);
    }
    if (gnutls_x509_crt_get_issuer_dn3(crt, &text, 0) == 0) {
        cert->fields[EG_CERT_ISSUER] = take_text(&text);
    }
    if (gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, fingerprint, &len) == 0) {
        cert->fields[EG_CERT_FINGERPRINT] = hex_of(fingerprint, len);
    }
    if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text) == 0) {
        cert->fields[EG_CERT_PEM] = take_text(&text);
    }
}

struct gw_client_cert *gw_client_cert_read(void *session) {
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t crt = NULL;
    if (chain == NULL || count == 0 || gnutls_x509_crt_init(&crt) != 0) {
        return NULL;
    }
    struct gw_client_cert *cert = NULL;
    if (gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER) == 0) {
        cert = gw_alloc(sizeof *cert);
        read_fields(crt, cert);
    }
    gnutls_x509_crt_deinit(crt);
    return cert;
}

struct eg_str gw_client_cert_field(const struct gw_client_cert *cert, uint32_t field) {
    return cert == NULL || field >= FIELDS ? (struct eg_str){0} : cert->fields[field];
}

void gw_client_cert_free(struct gw_client_cert *cert) {
    if (cert == NULL) {
        return;
    }
    for (size_t i = 0; i < FIELDS; i++) {
        gw_free((void *)(uintptr_t)cert->fields[i].ptr);
    }
    gw_free(cert);
}

int32_t gw_http_check_ca(struct eg_str pem, struct eg_why *ret_why) {
    const gnutls_datum_t text = {.data = (unsigned char *)(uintptr_t)pem.ptr,
                                 .size = (unsigned)pem.len};
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    const int rc = gnutls_x509_crt_list_import2(&list, &count, &text, GNUTLS_X509_FMT_PEM, 0);
    for (unsigned i = 0; i < count; i++) {
        gnutls_x509_crt_deinit(list[i]);
    }
    gnutls_free(list);
    if (rc < 0 || count == 0) {
        return gw_why(ret_why, EG_E_INVAL, "no certificate can be read from it: %s",
                      gnutls_strerror(rc));
    }
    return EG_OK;
}
