/* domain/reply.c: a function's answer as an HTTP reply (SY-*, Q19). */
#include "base/slice.h"
#include "domain/reply.h"
#include "unit.h"

static struct gw_arena arena;
static struct gw_reply reply;
static struct eg_why why;

static int32_t map_n(const char *answer, size_t len) {
    gw_arena_free(&arena);
    gw_arena_init(&arena, 1024);
    memset(&reply, 0, sizeof reply);
    why.len = 0;
    char *copy = gw_arena_alloc(&arena, len + 1);
    memcpy(copy, answer, len);
    return gw_reply_map(&arena, gw_str(copy, len), 128, &reply, &why);
}
static int32_t map(const char *answer) {
    return map_n(answer, strlen(answer));
}

/* "Name: value\n" of all headers. */
static struct eg_str headers(void) {
    static char text[2048];
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < reply.header_count; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%.*s: %.*s\n",
                               GW_FMT(reply.headers[i].name), GW_FMT(reply.headers[i].value));
    }
    return gw_str_c(text);
}

static void answers_become_status_headers_and_body(void) {
    static const struct {
        const char *answer;
        uint32_t status;
        const char *headers;
        const char *body;
    } rows[] = {
        {"{}", 200, "", ""},
        {"null", 200, "", ""},
        {" \n{ } ", 200, "", ""},
        {"{\"statusCode\":206,\"headers\":{\"x-custom\":\"custom value\"}}", 206,
         "X-Custom: custom value\n", ""},
        {"{\"statusCode\":201,\"headers\":{\"content-type\":\"text/html\"},"
         "\"body\":\"<head></head>\"}",
         201, "Content-Type: text/html\n", "<head></head>"},
        {"{\"body\":\"{\\\"a\\\":1}\"}", 200, "Content-Type: text/plain; charset=utf-8\n",
         "{\"a\":1}"},
        {"{\"body\":\"<html>\"}", 200, "Content-Type: text/html; charset=utf-8\n", "<html>"},
        {"{\"STATUSCODE\":201,\"Body\":\"u\",\"HEADERS\":{\"a\":\"b\"}}", 201,
         "A: b\nContent-Type: text/plain; charset=utf-8\n", "u"},
        {"{\"statusCode\":302,\"headers\":{\"Location\":\"/x\"}}", 302, "Location: /x\n", ""},
        {"{\"headers\":{\"a\":null}}", 200, "A: \n", ""},
        {"{\"statusCode\":null,\"headers\":null,\"body\":null,\"isBase64Encoded\":null}", 200, "",
         ""},
        {"{\"statusCode\":204,\"body\":\"x\"}", 204, "", ""},
        {"{\"statusCode\":304,\"body\":\"x\"}", 304, "", ""},
        {"{\"statusCode\":999,\"other\":[1]}", 999, "", ""},
        {"{\"statusCode\":500,\"statusCode\":201}", 201, "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CU_ASSERT_EQUAL(map(rows[i].answer), 0);
        CU_ASSERT_EQUAL(reply.status, rows[i].status);
        ASSERT_STR(headers(), rows[i].headers);
        ASSERT_STR(reply.body, rows[i].body);
    }
}

static void anything_else_is_malformed(void) {
    static const char *const rows[] = {
        "",
        " ",
        "not JSON",
        "\"x\"",
        "[]",
        "7",
        "true",
        "{} x",
        "{",
        "{\"statusCode\":\"200\"}",
        "{\"statusCode\":200.5}",
        "{\"statusCode\":2e2}",
        "{\"statusCode\":199}",
        "{\"statusCode\":100}",
        "{\"statusCode\":0}",
        "{\"statusCode\":-200}",
        "{\"statusCode\":1000}",
        "{\"statusCode\":99999999999999999999}",
        "{\"statusCode\":true}",
        "{\"headers\":[]}",
        "{\"headers\":\"x\"}",
        "{\"headers\":{\"a\":1}}",
        "{\"headers\":{\"a\":{}}}",
        "{\"headers\":{\"a\":[1]}}",
        "{\"headers\":{\"a\":[null]}}",
        "{\"headers\":{\"a\":[[]]}}",
        "{\"headers\":{\"Content-Length\":5}}",
        "{\"multiValueHeaders\":[]}",
        "{\"multiValueHeaders\":{\"a\":1}}",
        "{\"multiValueHeaders\":{\"a\":[1]}}",
        "{\"cookies\":\"a=1\"}",
        "{\"cookies\":{}}",
        "{\"cookies\":[1]}",
        "{\"cookies\":[[]]}",
        "{\"body\":1}",
        "{\"body\":{}}",
        "{\"body\":\"x\",\"isBase64Encoded\":\"true\"}",
        "{\"body\":\"aGV5!\",\"isBase64Encoded\":true}",
        "{\"body\":\"aGV\",\"isBase64Encoded\":true}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int32_t rc = map(rows[i]);
        if (rc != EG_E_SYNTAX) {
            printf("  %s should be malformed\n", rows[i]);
        }
        CU_ASSERT_EQUAL(rc, EG_E_SYNTAX);
        CU_ASSERT_TRUE(why.len > 0);
    }
}

static void base64_bodies_are_decoded(void) {
    CU_ASSERT_EQUAL(map("{\"isBase64Encoded\":true,\"body\":\"iVBORw0KGgo=\"}"), 0);
    ASSERT_STR(reply.body, "\x89PNG\r\n\x1a\n");
    ASSERT_STR(headers(), "Content-Type: image/png\n");
    CU_ASSERT_EQUAL(map("{\"body\":\"aGV5\",\"isBase64Encoded\":false}"), 0);
    ASSERT_STR(reply.body, "aGV5");
    CU_ASSERT_EQUAL(map("{\"isBase64Encoded\":true,\"body\":\"\"}"), 0);
    ASSERT_STR(reply.body, "");
    CU_ASSERT_EQUAL(map("{\"isBase64Encoded\":true,\"body\":\"\\u0061GV5\"}"), 0);
    ASSERT_STR(reply.body, "hey");
}

static void arrays_are_repeated_headers(void) {
    CU_ASSERT_EQUAL(map("{\"headers\":{\"set-cookie\":[\"a=1\",\"b=2\"],\"x\":[]}}"), 0);
    ASSERT_STR(headers(), "Set-Cookie: a=1\nSet-Cookie: b=2\n");
}

static void multi_value_headers_are_merged_with_headers(void) {
    CU_ASSERT_EQUAL(map("{\"multiValueHeaders\":{\"x-a\":[\"1\",\"2\"],\"Content-Length\":[\"9\"]},"
                        "\"headers\":{\"X-A\":\"2\",\"x-b\":\"3\"}}"),
                    0);
    ASSERT_STR(headers(), "X-B: 3\nX-A: 1\nX-A: 2\n");
    CU_ASSERT_EQUAL(map("{\"multiValueHeaders\":{\"x\":[\"1\"]},\"headers\":{\"x\":\"0\"}}"), 0);
    ASSERT_STR(headers(), "X: 0\nX: 1\n");
    CU_ASSERT_EQUAL(map("{\"multiValueHeaders\":{\"content-type\":[\"a/b\"]},\"body\":\"x\"}"), 0);
    ASSERT_STR(headers(), "Content-Type: a/b\n");
    CU_ASSERT_EQUAL(map("{\"multiValueHeaders\":null,\"cookies\":null}"), 0);
    ASSERT_STR(headers(), "");
}

static void cookies_are_set_one_by_one(void) {
    CU_ASSERT_EQUAL(map("{\"cookies\":[\"a=1; Secure\",\"b=2\",\"c\\r\\nEvil: 1\"],"
                        "\"headers\":{\"set-cookie\":\"z=0\"}}"),
                    0);
    ASSERT_STR(headers(), "Set-Cookie: z=0\nSet-Cookie: a=1; Secure\nSet-Cookie: b=2\n");
}

static void a_header_replaces_earlier_ones_of_its_name(void) {
    CU_ASSERT_EQUAL(map("{\"headers\":{\"X-a\":[\"1\",\"2\"],\"b\":\"3\",\"x-A\":\"4\"}}"), 0);
    ASSERT_STR(headers(), "B: 3\nX-A: 4\n");
}

static void functions_cannot_set_framing_nor_inject_headers(void) {
    CU_ASSERT_EQUAL(
        map("{\"headers\":{\"Content-Length\":\"999\",\"TRANSFER-encoding\":\"chunked\","
            "\"connection\":\"close\",\"Keep-Alive\":\"x\",\"Upgrade\":\"h2c\","
            "\"Proxy-Connection\":\"x\",\"te\":\"x\",\"Trailer\":\"x\","
            "\"a b\":\"x\",\"\":\"x\",\"a:b\":\"x\",\"\\u00e9\":\"x\","
            "\"x\":\"1\\r\\nEvil: 1\",\"y\":\"a\\u0000\",\"z\":\"ok\"},\"body\":\"hi\"}"),
        0);
    ASSERT_STR(headers(), "Z: ok\nContent-Type: text/plain; charset=utf-8\n");
}

static void hundreds_of_headers_are_malformed(void) {
    static char text[64 * 1024];
    size_t cookies =
        (size_t)snprintf(text, sizeof text, "{\"headers\":{\"a\":\"\"},\"cookies\":[\"0\"");
    for (unsigned i = 0; i < 255; i++) {
        cookies += (size_t)snprintf(text + cookies, sizeof text - cookies, ",\"%u\"", i);
    }
    snprintf(text + cookies, sizeof text - cookies, "]}");
    CU_ASSERT_EQUAL(map(text), EG_E_SYNTAX);
    for (unsigned as_array = 0; as_array < 2; as_array++) {
        size_t at = (size_t)snprintf(text, sizeof text, "{\"headers\":{%s",
                                     as_array ? "\"a\":[\"0\"" : "\"a\":\"0\"");
        for (unsigned i = 0; i < 256; i++) {
            at += (size_t)snprintf(text + at, sizeof text - at,
                                   as_array ? ",\"%u\"" : ",\"h%u\":\"\"", i);
        }
        snprintf(text + at, sizeof text - at, as_array ? "]}}" : "}}");
        CU_ASSERT_EQUAL(map(text), EG_E_SYNTAX);
        ASSERT_STR(gw_str(why.text, why.len), "HTTP response object malformed: too many headers");
    }
}

static void lone_surrogates_become_the_replacement_character(void) {
    CU_ASSERT_EQUAL(map("{\"body\":\"\\ud800x\"}"), 0);
    ASSERT_STR(reply.body, "\xef\xbf\xbdx");
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(answers_become_status_headers_and_body), UNIT(anything_else_is_malformed),
          UNIT(base64_bodies_are_decoded), UNIT(arrays_are_repeated_headers),
          UNIT(multi_value_headers_are_merged_with_headers), UNIT(cookies_are_set_one_by_one),
          UNIT(a_header_replaces_earlier_ones_of_its_name),
          UNIT(functions_cannot_set_framing_nor_inject_headers),
          UNIT(hundreds_of_headers_are_malformed),
          UNIT(lone_surrogates_become_the_replacement_character))
