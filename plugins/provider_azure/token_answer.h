/*
 * token_answer.h - what a token endpoint answered: a token with its life time, or why there is
 * none and whether trying again may help.
 */
#ifndef PROVIDER_AZURE_TOKEN_ANSWER_H
#define PROVIDER_AZURE_TOKEN_ANSWER_H

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_http.h>

/* A successor is fetched that long before the end, or in the last fifth of a short life. */
#define TOKEN_RENEW_NS (300 * (uint64_t)1000000000)
/* Not used in the last seconds, or the last tenth: it has to arrive alive. */
#define TOKEN_SPARE_NS (30 * (uint64_t)1000000000)

struct token_answer {
    int32_t status;
    uint32_t call_class; /* EG_CALL_OK = there is a token */
    uint64_t retry_after_ns;
    uint64_t life_ns;
    struct egx_json text; /* the token; for the reader to free */
    char message[256];
};

/* Never reads or keeps the body when the status says that there is no token, but for the two texts
 * of RFC 6749 5.2, cut and cleaned for the log. */
void token_answer_read(const struct eg_host *host, const struct eg_http_response *response,
                       struct token_answer *ret_answer);
void token_answer_fail(struct token_answer *ret_answer, int32_t status, uint32_t call_class,
                       const char *message);

#endif
