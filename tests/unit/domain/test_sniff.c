/* domain/sniff.c: the content type of bodies that came without one. */
#include <stdlib.h>

#include "base/slice.h"
#include "domain/reply.h"
#include "unit.h"

#define ROW(literal, type)                                                                         \
    { literal, sizeof(literal) - 1, type }
#define PLAIN "text/plain; charset=utf-8"
#define HTML "text/html; charset=utf-8"
#define OCTETS "application/octet-stream"

static void the_first_bytes_tell_the_type(void) {
    static const struct {
        const char *bytes;
        size_t len;
        const char *type;
    } rows[] = {
        ROW("", PLAIN),
        ROW("x", PLAIN),
        ROW("{\"a\":1}", PLAIN),
        ROW("caf\xc3\xa9\r\n\t\x1b[0m", PLAIN),
        ROW("a\x01", OCTETS),
        ROW("\x00", OCTETS),
        ROW("<html>", HTML),
        ROW(" \n<!doctype html>", HTML),
        ROW("<BODY class", HTML),
        ROW("<a href", HTML),
        ROW("<!-- x -->", HTML),
        ROW("<h1>x", HTML),
        ROW("<html", PLAIN),
        ROW("<abc>", PLAIN),
        ROW(" <?xml version", "text/xml; charset=utf-8"),
        ROW("%PDF-1.4", "application/pdf"),
        ROW("%!PS-Adobe-3", "application/postscript"),
        ROW("\xFE\xFFxy", "text/plain; charset=utf-16be"),
        ROW("\xFF\xFExy", "text/plain; charset=utf-16le"),
        ROW("\xEF\xBB\xBFx", PLAIN),
        ROW("GIF89a...", "image/gif"),
        ROW("\x89PNG\r\n\x1a\n", "image/png"),
        ROW("\xFF\xD8\xFF\xE0", "image/jpeg"),
        ROW("RIFF1234WEBPVP8", "image/webp"),
        ROW("RIFF1234WAVE", "audio/wave"),
        ROW("RIFF1234", PLAIN),
        ROW("\0\0\0\x10"
            "ftypmp42____",
            "video/mp4"),
        ROW("\0\0\0\x10"
            "ftypxxxxmp42",
            OCTETS),
        ROW("\xFF\xFF\xFF\xFC"
            "ftypmp42",
            PLAIN),
        ROW("\x1F\x8B\x08\x00", "application/x-gzip"),
        ROW("PK\x03\x04", "application/zip"),
        ROW("\0asm", "application/wasm"),
        ROW("wOFF", "font/woff"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *copy = malloc(rows[i].len + 1);
        memcpy(copy, rows[i].bytes, rows[i].len);
        ASSERT_STR(gw_sniff(gw_str(copy, rows[i].len)), rows[i].type);
        free(copy);
    }
}

static void only_512_bytes_are_looked_at(void) {
    char text[600];
    memset(text, 'x', sizeof text);
    text[512] = '\0';
    ASSERT_STR(gw_sniff(gw_str(text, sizeof text)), PLAIN);
    text[511] = '\0';
    ASSERT_STR(gw_sniff(gw_str(text, sizeof text)), OCTETS);
}

UNIT_MAIN(UNIT(the_first_bytes_tell_the_type), UNIT(only_512_bytes_are_looked_at))
