/*
 * domain/refusal.h - a refusal on its way to a client: a status and one sentence, which is written
 * once, where the reason is known.
 */
#ifndef GW_DOMAIN_REFUSAL_H
#define GW_DOMAIN_REFUSAL_H

#include "base/why.h"

struct gw_refusal {
    uint32_t status;
    struct eg_why why;
};

/* Writes both; the sentence is cut to its room at a whole character. Returns EG_E_INVAL, so that
 * refusing is one line. */
int32_t gw_refuse(struct gw_refusal *ret_refusal, uint32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
