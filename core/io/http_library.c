/*
 * io/http_library.c - see http_library.h. libmicrohttpd is run in its external epoll mode, without
 * threads, listening sockets and time-outs of its own, and as strict as it can be.
 *
 * Thread: the loop's. Ownership: PEM texts are copied for the call, as the library wants them ended
 * by a NUL; the private key's copy is wiped.
 */
#include "io/http_library.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

#define MHD_1_0 0x01000000u

/* MHD_OPTION_UNESCAPE_CALLBACK */
static size_t keep_escapes(void *arg, struct MHD_Connection *mhd, char *text) {
    (void)arg;
    (void)mhd;
    return strlen(text);
}

const char *gw_http_server_library(bool *ret_is_old) {
    const char *version = MHD_get_version();
    *ret_is_old = version[0] == '0';
    return version;
}

#if MHD_VERSION >= MHD_1_0
#define FLAGS_OF_VERSION MHD_USE_NO_THREAD_SAFETY
#define STRICT_OPTION MHD_OPTION_CLIENT_DISCIPLINE_LVL
#define STRICT_LEVEL 2 /* level 3 of 1.0.1 tolerates white space in chunk lines again */
#else
#define FLAGS_OF_VERSION 0
#define STRICT_OPTION MHD_OPTION_STRICT_FOR_CLIENT
#define STRICT_LEVEL 1
#endif

struct pem_texts {
    char *cert;
    char *key;
    char *client_ca;
};

/* With MHD_OPTION_HTTPS_MEM_TRUST the library asks clients for a certificate, and leaves judging it
 * to us: http_tls.c. */
static struct MHD_Daemon *start(const struct gw_library_setup *setup,
                                const struct pem_texts *texts) {
    const bool is_tls = gw_tls_is_on(setup->tls);
    const bool asks = setup->tls->client_auth != GW_CLIENT_AUTH_NONE;
    const unsigned flags = (unsigned)MHD_USE_EPOLL | (unsigned)MHD_USE_NO_LISTEN_SOCKET |
                           (unsigned)MHD_ALLOW_SUSPEND_RESUME | (unsigned)MHD_USE_ERROR_LOG |
                           (unsigned)FLAGS_OF_VERSION | (is_tls ? (unsigned)MHD_USE_TLS : 0u);
    const struct MHD_OptionItem trust[] = {{MHD_OPTION_HTTPS_MEM_TRUST, 0, texts->client_ca},
                                           {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, texts->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, texts->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_ARRAY, 0, (void *)(uintptr_t)(asks ? trust : none)},
        {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(
        flags, 0, NULL, NULL, setup->on_access, setup->arg, MHD_OPTION_EXTERNAL_LOGGER,
        setup->on_log, setup->arg, STRICT_OPTION, (int)STRICT_LEVEL, MHD_OPTION_CONNECTION_LIMIT,
        setup->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, setup->pool_bytes,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, setup->on_target, setup->arg, MHD_OPTION_NOTIFY_COMPLETED,
        setup->on_completed, setup->arg, MHD_OPTION_NOTIFY_CONNECTION, setup->on_notify, setup->arg,
        MHD_OPTION_ARRAY, is_tls ? tls : none, MHD_OPTION_END);
}

struct MHD_Daemon *gw_library_start(const struct gw_library_setup *setup) {
    const struct pem_texts texts = {.cert = gw_dup_cstr(setup->tls->cert_pem),
                                    .key = gw_dup_cstr(setup->tls->key_pem),
                                    .client_ca = gw_dup_cstr(setup->tls->client_ca_pem)};
    struct MHD_Daemon *daemon = start(setup, &texts);
    gw_wipe(texts.key, setup->tls->key_pem.len);
    gw_free(texts.key);
    gw_free(texts.cert);
    gw_free(texts.client_ca);
    return daemon;
}
