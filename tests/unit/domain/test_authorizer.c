/* domain/authorizer.c: who may pass (AU-*, Q10). */
#include "base/slice.h"
#include "domain/reply.h"
#include "unit.h"

static struct gw_arena arena;
static struct eg_str json;
static struct eg_why why;

static int32_t map(const char *answer) {
    gw_arena_free(&arena);
    gw_arena_init(&arena, 256);
    json = (struct eg_str){0};
    why.len = 0;
    return gw_authorizer_map(&arena, gw_str_c(answer), 128, &json, &why);
}

static void a_principal_lets_the_event_pass(void) {
    static const char *const rows[][2] = {
        {"{\"authorization\":{\"principalId\":\"u1\",\"context\":{\"a\":\"b\"}}}",
         "{\"principalId\":\"u1\",\"context\":{\"a\":\"b\"}}"},
        {"{\"authorization\":{\"principalId\":\"u\"},\"error\":null}",
         "{\"principalId\":\"u\",\"context\":null}"},
        {"{\"Authorization\":{\"PRINCIPALID\":\"u\\n\",\"Context\":null,\"more\":1}}",
         "{\"principalId\":\"u\\n\",\"context\":null}"},
        {"{\"authorization\":{\"principalId\":\"u\",\"context\":{}}}",
         "{\"principalId\":\"u\",\"context\":{}}"},
        {"{\"authorization\":{\"principalId\":\"u\",\"context\":{\"a\":null,\"b\":\"c\"}}}",
         "{\"principalId\":\"u\",\"context\":{\"a\":\"\",\"b\":\"c\"}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CU_ASSERT_EQUAL(map(rows[i][0]), 0);
        ASSERT_STR(json, rows[i][1]);
    }
}

static void everything_else_is_refused(void) {
    static const char *const rows[] = {
        "",
        "x",
        "{}",
        "null",
        "[]",
        "true",
        "{\"authorization\":null}",
        "{\"authorization\":{}}",
        "{\"authorization\":\"u\"}",
        "{\"authorization\":[]}",
        "{\"authorization\":true}",
        "{\"authorization\":{\"principalId\":\"\"}}",
        "{\"authorization\":{\"principalId\":1}}",
        "{\"authorization\":{\"principalId\":null}}",
        "{\"authorization\":{\"principalId\":\"u\",\"context\":{\"a\":1}}}",
        "{\"authorization\":{\"principalId\":\"u\",\"context\":[]}}",
        "{\"authorization\":{\"principalId\":\"u\",\"context\":\"x\"}}",
        "{\"error\":{}}",
        "{\"authorization\":{\"principalId\":\"u\"},\"error\":{}}",
        "{\"authorization\":{\"principalId\":\"u\"},\"error\":\"x\"}",
        "{\"authorization\":{\"principalId\":\"u\"},\"error\":false}",
        "{\"authorization\":{\"principalId\":\"u\"}} x",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int32_t rc = map(rows[i]);
        if (rc != EG_E_DENIED) {
            printf("  %s should be refused\n", rows[i]);
        }
        CU_ASSERT_EQUAL(rc, EG_E_DENIED);
        CU_ASSERT_TRUE(why.len > 0);
        CU_ASSERT_EQUAL(json.len, 0);
    }
}

static void the_message_of_a_refusal_is_kept_for_the_log(void) {
    CU_ASSERT_EQUAL(map("{\"error\":{\"message\":\"denied \\u0022x\\u0022\"}}"), EG_E_DENIED);
    ASSERT_STR(gw_str(why.text, why.len), "authorizer refused: denied \"x\"");
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(a_principal_lets_the_event_pass), UNIT(everything_else_is_refused),
          UNIT(the_message_of_a_refusal_is_kept_for_the_log))
