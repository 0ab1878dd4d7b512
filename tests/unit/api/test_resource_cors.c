/* CORS configurations: compatibility chapter 4.4, the rows COR of the cases, decisions Q8 and Q9.
 */
#include "api/api_driver.h"

#define CORS "/v1/spaces/default/cors"
#define HELLO "{\"method\":\"GET\",\"path\":\"/hello\"}"
#define HELLO_OBJECT                                                                               \
    "{\"space\":\"default\",\"corsId\":\"GET%2Fhello\",\"method\":\"GET\",\"path\":\"/hello\","    \
    "\"allowedOrigins\":[\"*\"],\"allowedMethods\":[\"HEAD\",\"GET\",\"POST\"],"                   \
    "\"allowedHeaders\":[\"Origin\",\"Accept\",\"Content-Type\"],\"allowCredentials\":false}"
#define PREFIX "CORS configuration doesn't validate. Validation error: "

static void start(void) {
    api_start((struct api_options){0});
}

static void defaults_are_filled_in(void) {
    start();
    EXPECT("POST", CORS, HELLO, 201, HELLO_OBJECT);
    EXPECT_ERROR("POST", CORS, HELLO, 409,
                 "CORS configuration \\\"GET%2Fhello\\\" already exists.");
    EXPECT("POST", CORS,
           "{\"method\":\"PUT\",\"path\":\"/hello\",\"allowedOrigins\":[],"
           "\"allowedHeaders\":null}",
           201,
           "{\"space\":\"default\",\"corsId\":\"PUT%2Fhello\",\"method\":\"PUT\","
           "\"path\":\"/hello\",\"allowedOrigins\":[\"*\"],"
           "\"allowedMethods\":[\"HEAD\",\"GET\",\"POST\"],"
           "\"allowedHeaders\":[\"Origin\",\"Accept\",\"Content-Type\"],"
           "\"allowCredentials\":false}");
    api_stop();
}

static void given_values_are_kept_and_the_id_is_computed(void) {
    start();
    EXPECT("POST", CORS,
           "{\"corsId\":\"x\",\"method\":\"POST\",\"path\":\"/a/:b/*c\","
           "\"allowedOrigins\":[\"http://a\"],\"allowedMethods\":[\"PUT\"],"
           "\"allowedHeaders\":[\"X\"],\"allowCredentials\":true,\"metadata\":{\"a\":\"b\"}}",
           201,
           "{\"space\":\"default\",\"corsId\":\"POST%2Fa%2F:b%2F%2Ac\",\"method\":\"POST\","
           "\"path\":\"/a/:b/*c\",\"allowedOrigins\":[\"http://a\"],\"allowedMethods\":[\"PUT\"],"
           "\"allowedHeaders\":[\"X\"],\"allowCredentials\":true,\"metadata\":{\"a\":\"b\"}}");
    EXPECT("GET", CORS "/POST%2Fa%2F:b%2F%2Ac", NULL, 200, NULL);
    EXPECT("GET", CORS "?metadata.a=c", NULL, 200, "{\"cors\":[]}");
    api_stop();
}

static void every_spelling_of_an_id_finds_the_object(void) {
    static const char *const ids[] = {"GET%2Fhello", "GET%2fhello", "GET%252Fhello", "GET/hello"};
    start();
    EXPECT("POST", CORS, HELLO, 201, NULL);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, CORS "/%s", ids[i]);
        EXPECT("GET", target, NULL, 200, HELLO_OBJECT);
        EXPECT("PUT", target, HELLO, 200, HELLO_OBJECT);
        EXPECT("DELETE", target, NULL, 204, "");
        EXPECT_ERROR("DELETE", target, NULL, 404,
                     "CORS configuration \\\"GET%2Fhello\\\" not found.");
        EXPECT("POST", CORS, HELLO, 201, NULL);
    }
    EXPECT_ERROR("GET", CORS "/missing", NULL, 404,
                 "CORS configuration \\\"missing\\\" not found.");
    api_stop();
}

static void method_and_path_have_to_be_valid(void) {
    start();
    EXPECT_ERROR("POST", CORS, "{\"method\":\"GET\",\"path\":\"q\"}", 400,
                 PREFIX "Key: 'CORS.Path' Error:Field validation for 'Path' failed on the 'path' "
                        "tag");
    EXPECT("POST", CORS, "{\"method\":\"get\",\"path\":\"/\"}", 400, NULL);
    EXPECT("POST", CORS, "{\"method\":\"GET\"}", 400, NULL);
    EXPECT("POST", CORS, "{\"method\":\"GET\",\"path\":\"/\",\"allowedOrigins\":\"*\"}", 400, NULL);
    EXPECT("POST", CORS, "{\"method\":\"GET\",\"path\":\"/\",\"allowedOrigins\":[1]}", 400, NULL);
    api_stop();
}

static void an_update_replaces_all_but_method_and_path(void) {
    start();
    EXPECT("POST", CORS,
           "{\"method\":\"GET\",\"path\":\"/hello\",\"allowCredentials\":true,"
           "\"metadata\":{\"a\":\"b\"}}",
           201, NULL);
    EXPECT("PUT", CORS "/GET%2Fhello", HELLO, 200, HELLO_OBJECT);
    EXPECT_ERROR("PUT", CORS "/GET%2Fhello", "{\"method\":\"PUT\",\"path\":\"/hello\"}", 400,
                 "Invalid update. 'Method' of existing CORS configuration cannot be updated.");
    EXPECT_ERROR("PUT", CORS "/GET%2Fhello", "{\"method\":\"GET\",\"path\":\"/\"}", 400,
                 "Invalid update. 'Path' of existing CORS configuration cannot be updated.");
    EXPECT("PUT", CORS "/GET%2Fnone", "{}", 400, NULL);
    EXPECT("PUT", CORS "/GET%2Fnone", HELLO, 404, NULL);
    api_stop();
}

static void nothing_else_of_the_space_is_checked(void) {
    start();
    EXPECT("POST", CORS, "{\"method\":\"GET\",\"path\":\"/a/:b\"}", 201, NULL);
    EXPECT("POST", CORS, "{\"method\":\"GET\",\"path\":\"/a/:c\"}", 201, NULL);
    api_stop();
}

UNIT_MAIN(UNIT(defaults_are_filled_in), UNIT(given_values_are_kept_and_the_id_is_computed),
          UNIT(every_spelling_of_an_id_finds_the_object), UNIT(method_and_path_have_to_be_valid),
          UNIT(an_update_replaces_all_but_method_and_path),
          UNIT(nothing_else_of_the_space_is_checked))
