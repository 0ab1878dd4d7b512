/* gzip.h - compresses a text (RFC 1952) in its place. Any thread. */
#ifndef REACTER_OTEL_GZIP_H
#define REACTER_OTEL_GZIP_H

#include <eventgw-sdk/egx_json.h>

/* EG_E_INTERNAL: nothing has changed. */
int32_t otel_gzip(struct egx_json *text);

#endif
