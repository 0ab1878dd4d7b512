/*
 * gzip.c - see gzip.h. The one door to zlib. The fastest level: it runs on an event loop, and spans
 * repeat themselves so much that level 6 gains little.
 */
#include "gzip.h"

#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* 16: gzip instead of zlib's own frame (zlib.h, deflateInit2) */
#define MEMORY_LEVEL 8        /* zlib's default */

int32_t otel_gzip(struct egx_json *text) {
    z_stream stream = {0};
    struct egx_json out = egx_json_begin();
    if (text->len > UINT32_MAX / 2 || deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW,
                                                   MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        return EG_E_INTERNAL;
    }
    out.room = deflateBound(&stream, (uLong)text->len);
    out.ptr = malloc(out.room);
    stream.next_in = (Bytef *)text->ptr;
    stream.avail_in = (uInt)text->len;
    stream.next_out = (Bytef *)out.ptr;
    stream.avail_out = (uInt)out.room;
    const int rc = out.ptr == NULL ? Z_MEM_ERROR : deflate(&stream, Z_FINISH);
    out.len = stream.total_out;
    (void)deflateEnd(&stream);
    if (rc != Z_STREAM_END) {
        egx_json_free(&out);
        return EG_E_INTERNAL;
    }
    egx_json_free(text);
    *text = out;
    return EG_OK;
}
