/*
 * fuzz_plugin_middleware_schema - a schema, a line feed, data: both shaped by strangers. Asserted:
 * whatever it is ends within its budget, a refusal says why, and the same answer comes twice.
 */
#include <stdlib.h>

#include <eventgw-sdk/fake_host.h>

#include "schema.h"

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void check(const struct schema *schema, const struct eg_host *host, struct eg_str data) {
    const struct schema_budget budget = {.steps = 20000, .pattern_ns = 1000000};
    struct schema_report first = {.pointer = ""};
    struct schema_report second = {.pointer = ""};
    struct tree tree;
    if (schema_tree_parse(&tree, host, data) < 0) {
        return;
    }
    const int32_t rc = schema_check(schema, tree.nodes, &budget, &first);
    MUST(rc == 1 || rc == 0 || rc == EG_E_TOOBIG);
    MUST(rc != 0 || (first.why.len > 0 && first.why.len < sizeof first.why.text));
    MUST(memchr(first.pointer, '\0', sizeof first.pointer) != NULL);
    MUST(schema_check(schema, tree.nodes, &budget, &second) == rc);
    MUST(strcmp(first.pointer, second.pointer) == 0);
    schema_tree_free(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    const size_t schema_len = line == NULL ? size : (size_t)(line - data);
    const size_t from = line == NULL ? size : schema_len + 1;
    struct egx_fake *fake = egx_fake_new();
    const struct eg_host *host = egx_fake_host(fake);
    for (unsigned draft = DRAFT_7; draft <= DRAFT_2020; draft++) {
        struct eg_why why = {.struct_size = sizeof why};
        struct schema *schema = NULL;
        const struct eg_str text = egx_str_n((const char *)data, schema_len);
        if (schema_compile(host, text, draft, &schema, &why) < 0) {
            MUST(why.len > 0 && why.len < sizeof why.text);
            continue;
        }
        check(schema, host, egx_str_n((const char *)data + from, size - from));
        schema_free(schema);
    }
    MUST(egx_fake_allocations(fake) == 0);
    egx_fake_free(fake);
    return 0;
}
