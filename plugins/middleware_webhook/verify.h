/* verify.h - is a request signed with one of the rule's secrets? Any thread. */
#ifndef WEBHOOK_VERIFY_H
#define WEBHOOK_VERIFY_H

#include "rules.h"
#include "signature.h"

/* EG_E_DENIED: no signature is right. Then and with success as much work is done for each secret,
 * whatever matched. ret_mark identifies what was signed; set where the rule looks for replays by
 * it. */
int32_t webhook_verify(const struct eg_host *host, const struct webhook_rule *rule,
                       const struct webhook_claim *claim, struct eg_str body,
                       unsigned char ret_mark[WEBHOOK_MARK]);
/* |now - claimed| <= tolerance. */
int webhook_is_in_time(const struct webhook_rule *rule, const struct webhook_claim *claim,
                       int64_t now_unix_ns);

#endif
