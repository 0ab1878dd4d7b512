/*
 * handshake.h - the validation request of "HTTP 1.1 Web Hooks for Event Delivery" 1.0.2, section 4
 * (CloudEvents): may this origin send here?
 */
#ifndef WEBHOOK_HANDSHAKE_H
#define WEBHOOK_HANDSHAKE_H

#include <eventgw-sdk/egx.h>

struct webhook_handshake;

struct webhook_handshake_config {
    struct eg_str_list origins;        /* "name", "*.name", "*"; borrowed */
    struct eg_str_list callback_hosts; /* "host" or "host:port"; borrowed */
    struct eg_str ca_file;             /* of callbacks; borrowed */
    int64_t rate;                      /* requests per minute; 0 = no limit */
};

/* EG_E_INVAL with the reason. */
int32_t webhook_handshake_new(const struct eg_host *host,
                              const struct webhook_handshake_config *config,
                              struct webhook_handshake **ret_handshake, struct eg_why *ret_why);
void webhook_handshake_free(struct webhook_handshake *handshake); /* NULL is fine */
/* Is it a validation request, and are there origins that may send? */
int webhook_handshake_is_one(const struct webhook_handshake *handshake,
                             const struct eg_exchange *exchange);
/* Sets the reply. Loop thread. */
void webhook_handshake_answer(struct webhook_handshake *handshake, struct eg_exchange *exchange);

#endif
