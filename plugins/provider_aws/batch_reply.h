/* batch_reply.h - the answer to a call of a connector becomes the outcome of each of its events. */
#ifndef AWS_BATCH_REPLY_H
#define AWS_BATCH_REPLY_H

#include "batch.h"

/* Ends the op of every put of the list (count of them, linked by next). Releases nothing of the
 * puts themselves. */
void aws_batch_reply(const struct eg_host *host, const struct aws_connector *connector,
                     const struct aws_call_reply *reply, const struct aws_put *first, size_t count);

#endif
