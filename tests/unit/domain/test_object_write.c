/* Unit tests of domain/object_write.c. */
#include "objects.h"

static void an_event_type_writes_its_authorizer_only_when_given(void) {
    assert_becomes(GW_EVENTTYPE, NULL, "{\"name\":\"user.created\",\"space\":\"zzz\"}",
                   "{\"space\":\"default\",\"name\":\"user.created\"}");
    assert_becomes(GW_EVENTTYPE, NULL,
                   "{\"metadata\":{\"a\":\"b\"},\"authorizerId\":\"auth\",\"name\":\"a\"}",
                   "{\"space\":\"default\",\"name\":\"a\",\"authorizerId\":\"auth\",\"metadata\":"
                   "{\"a\":\"b\"}}");
    assert_becomes(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"authorizerId\":\"\"}",
                   "{\"space\":\"default\",\"name\":\"a\",\"authorizerId\":\"\"}");
    assert_becomes(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"authorizerId\":null}",
                   "{\"space\":\"default\",\"name\":\"a\"}");
}

static void an_event_type_writes_its_schema_as_compact_text(void) {
    assert_becomes(GW_EVENTTYPE, NULL,
                   "{\"metadata\":{\"a\":\"b\"},\"schema\": {\"type\": \"object\",\n"
                   "\"maximum\": 1e2, \"b\":1},\"name\":\"a\"}",
                   "{\"space\":\"default\",\"name\":\"a\",\"schema\":{\"type\":\"object\","
                   "\"maximum\":100.0,\"b\":1},\"metadata\":{\"a\":\"b\"}}");
    assert_becomes(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"schema\":false}",
                   "{\"space\":\"default\",\"name\":\"a\",\"schema\":false}");
    assert_becomes(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"schema\":{}}",
                   "{\"space\":\"default\",\"name\":\"a\",\"schema\":{}}");
    assert_becomes(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"schema\":null}",
                   "{\"space\":\"default\",\"name\":\"a\"}");
}

static void a_function_writes_its_provider_as_stored_or_as_told(void) {
    struct gw_object *object =
        read_object(GW_FUNCTION, NULL,
                    "{\"functionId\":\"f1\",\"type\":\"x\",\"provider\":{ \"key\" : \"secret\" }}");
    assert_written(object, "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"x\","
                           "\"provider\":{\"key\":\"secret\"}}");
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_object_write(&out, object, GW_STR("{\"key\":\"*****\"}"));
    ASSERT_STR(gw_bytes_str(&out), "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"x\","
                                   "\"provider\":{\"key\":\"*****\"}}");
    gw_bytes_free(&out);
    gw_object_unref(object);
    assert_becomes(GW_FUNCTION, NULL, "{\"functionId\":\"f1\",\"type\":\"x\",\"provider\":null}",
                   "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"x\"}");
}

static void a_subscription_writes_all_its_fields(void) {
    assert_becomes(GW_SUBSCRIPTION, NULL,
                   "{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"f1\"}",
                   "{\"space\":\"default\",\"subscriptionId\":"
                   "\"YXN5bmMsdXNlci5jcmVhdGVkLGYxLCUyRixQT1NU\",\"type\":\"async\","
                   "\"eventType\":\"user.created\",\"functionId\":\"f1\",\"path\":\"/\","
                   "\"method\":\"POST\"}");
}

static void a_cors_configuration_writes_defaults_and_given_values(void) {
    assert_becomes(GW_CORS, NULL, "{\"method\":\"GET\",\"path\":\"/hello\"}",
                   "{\"space\":\"default\",\"corsId\":\"GET%2Fhello\",\"method\":\"GET\","
                   "\"path\":\"/hello\",\"allowedOrigins\":[\"*\"],\"allowedMethods\":[\"HEAD\","
                   "\"GET\",\"POST\"],\"allowedHeaders\":[\"Origin\",\"Accept\","
                   "\"Content-Type\"],\"allowCredentials\":false}");
    assert_becomes(GW_CORS, NULL,
                   "{\"method\":\"POST\",\"path\":\"/a/:b/*c\",\"allowedOrigins\":[\"o\",\"p\"],"
                   "\"allowedMethods\":[\"m\"],\"allowedHeaders\":[\"\"],\"allowCredentials\":true,"
                   "\"corsId\":\"zz\",\"metadata\":{\"a\":\"b\"}}",
                   "{\"space\":\"default\",\"corsId\":\"POST%2Fa%2F:b%2F%2Ac\",\"method\":\"POST\","
                   "\"path\":\"/a/:b/*c\",\"allowedOrigins\":[\"o\",\"p\"],\"allowedMethods\":"
                   "[\"m\"],\"allowedHeaders\":[\"\"],\"allowCredentials\":true,\"metadata\":"
                   "{\"a\":\"b\"}}");
}

static void text_of_strangers_is_escaped(void) {
    assert_becomes(GW_EVENTTYPE, "a\"b", "{\"metadata\":{\"q\\\"\":\"\\u0001\\\\\"}}",
                   "{\"space\":\"default\",\"name\":\"a\\\"b\",\"metadata\":{\"q\\\"\":"
                   "\"\\u0001\\\\\"}}");
}

UNIT_MAIN(UNIT(an_event_type_writes_its_authorizer_only_when_given),
          UNIT(an_event_type_writes_its_schema_as_compact_text),
          UNIT(a_function_writes_its_provider_as_stored_or_as_told),
          UNIT(a_subscription_writes_all_its_fields),
          UNIT(a_cors_configuration_writes_defaults_and_given_values),
          UNIT(text_of_strangers_is_escaped))
