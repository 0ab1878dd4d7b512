/* errors.h - what the error of a service means. Pure; any thread. */
#ifndef AWS_ERRORS_H
#define AWS_ERRORS_H

#include "call.h"

#define AWS_CODE_REFRESH 0x1u    /* other credentials may help */
#define AWS_CODE_MAYBE_SKEW 0x2u /* the clock may be wrong */
/* Nobody waits longer because of a header. */
#define AWS_RETRY_AFTER_MAX_NS UINT64_C(900000000000)

/* AWS_CODE_* of a code; 0 for unknown ones. aws_error_class is in call.h. */
uint32_t aws_error_flags(struct eg_str code);
/* "com.amazonaws.sqs#QueueDoesNotExist" and "Name:http://..." become the name alone. */
struct eg_str aws_error_code_trim(struct eg_str code);
/* x-amz-retry-after (milliseconds) or Retry-After (seconds); 0 = not said. */
uint64_t aws_error_retry_after_ns(const struct eg_kv *headers, size_t count);
/* x-amzn-ErrorType, else __type or code of the body (NULL = it is no JSON). Borrowed from either.
 */
struct eg_str aws_error_code_of(const struct eg_host *host, const struct eg_json *body,
                                const struct eg_kv *headers, size_t count);

#endif
