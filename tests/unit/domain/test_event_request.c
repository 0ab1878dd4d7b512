/* domain/event_request.c: the data of http.request events and authorizers (ENC-*, RAW-*, AU-01). */
#include "event_fixture.h"

static struct eg_str data_of(const char *target, const char *content_type, const char *body,
                             size_t body_len) {
    if (content_type != NULL) {
        fx_header("Content-Type", content_type);
    }
    CU_ASSERT_EQUAL(fx_send(target, body, body_len), 0);
    return fx.events[0]->data_json;
}

static void bodies_are_encoded_by_the_bare_media_type(void) {
    static const char *const rows[][3] = {
        {NULL, "hello", "\"body\":\"aGVsbG8=\""},
        {"text/plain", "hello", "\"body\":\"aGVsbG8=\""},
        {"application/json", "{\"a\": 1.0}", "\"body\":{\"a\": 1.0},"},
        {"application/json; charset=utf-8", "[1]", "\"body\":[1],"},
        {"application/vnd.api+json", "\"x\"", "\"body\":\"x\","},
        {"application/json", "{bad", "\"body\":\"e2JhZA==\""},
        {"application/json", "{\"a\":1} x", "\"body\":\"eyJhIjoxfSB4\""},
        {"application/json", "", "\"body\":\"\","},
        {"application/x-www-form-urlencoded; charset=utf-8", "a=1&b=\"", "\"body\":\"a=1&b=\\\"\""},
        {"multipart/form-data; boundary=x", "--x\r\n", "\"body\":\"--x\\r\\n\""},
        {"multipart/form-data; boundary=x", "\xff", "\"body\":\"\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        CU_ASSERT_TRUE(
            fx_has(data_of("/h", rows[i][0], rows[i][1], strlen(rows[i][1])), rows[i][2]));
        fx_end();
    }
}

static void bytes_of_all_kinds_become_base64(void) {
    fx_begin();
    static const char bytes[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
                                 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
    CU_ASSERT_TRUE(fx_has(data_of("/h", NULL, bytes, sizeof bytes),
                          "\"body\":\"AAECAwQFBgcICQoLDA0ODxAREhM=\""));
    fx_end();
}

static void queries_become_arrays_of_decoded_strings(void) {
    static const char *const rows[][2] = {
        {"/h?a=1&b=2&a=3&c=&d&e=%20x+y", "\"query\":{\"a\":[\"1\",\"3\"],\"b\":[\"2\"],\"c\":[\"\"]"
                                         ",\"d\":[\"\"],\"e\":[\" x y\"]}"},
        {"/h", "\"query\":{},"},
        {"/h?", "\"query\":{},"},
        {"/h?&&", "\"query\":{},"},
        {"/h?=x", "\"query\":{\"\":[\"x\"]}"},
        {"/h?a=%zz&b=1", "\"query\":{\"b\":[\"1\"]}"},
        {"/h?a=%ff", "\"query\":{\"a\":[\"\xef\xbf\xbd\"]}"},
        {"/h?a=b=c", "\"query\":{\"a\":[\"b=c\"]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        CU_ASSERT_TRUE(fx_has(data_of(rows[i][0], NULL, "", 0), rows[i][1]));
        fx_end();
    }
}

static void paths_are_decoded_once(void) {
    static const char *const rows[][2] = {
        {"/users/4%2F2/a%20b/c%2Fd", "\"path\":\"/users/4/2/a b/c/d\""},
        {"/caf%C3%A9", "\"path\":\"/caf\xc3\xa9\""},
        {"/%2541", "\"path\":\"/%41\""},
        {"/%zz", "\"path\":\"/%zz\""},
        {"/%22", "\"path\":\"/\\\"\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        CU_ASSERT_TRUE(fx_has(data_of(rows[i][0], NULL, "", 0), rows[i][1]));
        fx_end();
    }
}

static void headers_are_canonical_joined_and_without_host_and_framing(void) {
    fx_begin();
    fx_header("host", "x");
    fx_header("x-a", "1");
    fx_header("TRANSFER-ENCODING", "chunked");
    fx_header("accept", "t\"x");
    fx_header("X-A", "2");
    fx_header("x-A", "3\xff");
    CU_ASSERT_TRUE(fx_has(data_of("/h", NULL, "", 0),
                          "{\"headers\":{\"X-A\":\"1, 2, 3\xef\xbf\xbd\",\"Accept\":\"t\\\"x\"},"));
    fx_end();
}

static void an_authorizer_is_told_the_request_with_its_body(void) {
    fx_begin();
    fx_header("Content-Type", "application/json; charset=utf-8");
    const struct gw_event_request request = fx_request("/ok?q=1", "{\"a\":1}", 7);
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_event_write_request(&out, &request, NULL, 128);
    ASSERT_STR(gw_bytes_str(&out),
               "{\"headers\":{\"Content-Type\":\"application/json; charset=utf-8\"},"
               "\"query\":{\"q\":[\"1\"]},\"body\":{\"a\":1},\"host\":\"gw.example:4000\","
               "\"path\":\"/ok\",\"method\":\"POST\",\"params\":null}");
    gw_bytes_free(&out);
    fx_end();
}

static void a_hostile_query_of_thousands_of_names_is_no_burden(void) {
    static char target[64 * 1024];
    fx_begin();
    size_t at = (size_t)snprintf(target, sizeof target, "/h?");
    for (unsigned i = 0; i < 8000; i++) {
        at += (size_t)snprintf(target + at, sizeof target - at, "%x&", i);
    }
    const struct eg_str data = data_of(target, NULL, "", 0);
    CU_ASSERT_TRUE(fx_has(data, "\"1f3f\":[\"\"]}"));
    fx_end();
}

UNIT_MAIN(UNIT(bodies_are_encoded_by_the_bare_media_type), UNIT(bytes_of_all_kinds_become_base64),
          UNIT(queries_become_arrays_of_decoded_strings), UNIT(paths_are_decoded_once),
          UNIT(headers_are_canonical_joined_and_without_host_and_framing),
          UNIT(an_authorizer_is_told_the_request_with_its_body),
          UNIT(a_hostile_query_of_thousands_of_names_is_no_burden))
