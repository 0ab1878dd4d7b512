/*
 * The public JSON-Schema-Test-Suite against the validator. Prints one line for each file, which
 * tests/e2e/test_schema_suite.py makes the table of docs/plugins/schema.md of:
 *
 *   suite <draft> <file> <passed> <refused> <failed>
 *
 * Refused: the schema was, since it refers to one of elsewhere or to another draft.
 */
#include <dirent.h>
#include <stdlib.h>

#include <eventgw-sdk/fake_host.h>

#include "schema.h"

#include "unit.h"

#define SUITE TEST_SOURCE_DIR "/build/deps/servers/json_schema_suite/tests/"

struct counts {
    unsigned passed;
    unsigned refused;
    unsigned failed;
};

static const struct eg_host *host;
static const struct schema_budget budget = {.steps = 1000000, .pattern_ns = 1000000000};

static char *read_file(const char *path, size_t *ret_len) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    (void)fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    *ret_len = fread(text, 1, (size_t)size, file);
    (void)fclose(file);
    return text;
}

/* A value as text again. */
static void write_node(struct egx_json *out, const struct node *node) {
    static const char *const words[] = {"null", "false", "true"};
    const struct node *at = node_first(node);
    const int is_object = node->kind == NODE_OBJECT;
    if (node->kind < NODE_NUMBER) {
        egx_json_value(out, egx_str_c(words[node->kind]));
    } else if (node->kind == NODE_NUMBER) {
        egx_json_value(out, node_text(node));
    } else if (node->kind == NODE_STRING) {
        egx_json_string(out, node_text(node));
    } else {
        egx_json_open(out, is_object ? '{' : '[');
        for (uint32_t i = 0; i < node->count; i++) {
            if (is_object) {
                egx_json_key(out, node_text(at));
                at++;
            }
            write_node(out, at);
            at += at->span;
        }
        egx_json_close(out, is_object ? '}' : ']');
    }
}

static void run_case(const struct schema *schema, const struct node *test, const char *path,
                     const struct node *group, struct counts *counts) {
    struct schema_report report = {.pointer = ""};
    const int wanted = schema_node_member(test, EGX_STR("valid"))->kind == NODE_TRUE;
    const int32_t got =
        schema_check(schema, schema_node_member(test, EGX_STR("data")), &budget, &report);
    if (got == wanted) {
        counts->passed++;
        return;
    }
    counts->failed++;
    printf("  %s: %.*s: %.*s: %d instead of %d (%.*s)\n", path,
           EGX_FMT(node_text(schema_node_member(group, EGX_STR("description")))),
           EGX_FMT(node_text(schema_node_member(test, EGX_STR("description")))), got, wanted,
           (int)report.why.len, report.why.text);
}

static void run_group(const struct node *group, unsigned draft, const char *path,
                      struct counts *counts) {
    struct egx_json text = egx_json_begin();
    struct schema *schema = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    const struct node *tests = schema_node_member(group, EGX_STR("tests"));
    write_node(&text, schema_node_member(group, EGX_STR("schema")));
    const int32_t rc = schema_compile(host, egx_json_text(&text), draft, &schema, &why);
    const struct node *at = node_first(tests);
    for (uint32_t i = 0; i < tests->count; i++, at += at->span) {
        if (rc == EG_OK) {
            run_case(schema, at, path, group, counts);
        } else if (rc == EG_E_UNSUPPORTED) {
            counts->refused++;
        } else {
            counts->failed++;
            printf("  %s: %.*s\n", path, (int)why.len, why.text);
        }
    }
    schema_free(schema);
    egx_json_free(&text);
}

static void run_file(const char *draft_name, unsigned draft, const char *name,
                     struct counts *counts) {
    char path[512];
    struct tree tree;
    struct counts own = {0};
    size_t len = 0;
    (void)snprintf(path, sizeof path, SUITE "%s/%s", draft_name, name);
    char *text = read_file(path, &len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_EQUAL_FATAL(schema_tree_parse(&tree, host, egx_str_n(text, len)), EG_OK);
    const struct node *at = node_first(tree.nodes);
    for (uint32_t i = 0; i < tree.nodes->count; i++, at += at->span) {
        run_group(at, draft, name, &own);
    }
    schema_tree_free(&tree);
    free(text);
    printf("suite %s %s %u %u %u\n", draft_name, name, own.passed, own.refused, own.failed);
    counts->passed += own.passed;
    counts->refused += own.refused;
    counts->failed += own.failed;
}

static int is_json(const struct dirent *entry) {
    const size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static struct counts run_folder(const char *draft_name, unsigned draft) {
    struct egx_fake *fake = egx_fake_new();
    struct counts counts = {0};
    struct dirent **entries = NULL;
    char path[512];
    host = egx_fake_host(fake);
    (void)snprintf(path, sizeof path, SUITE "%s", draft_name);
    const int count = scandir(path, &entries, is_json, alphasort);
    if (count <= 0) {
        printf("  %s is not there: run tests/servers/json_schema_suite/install\n", path);
    }
    CU_ASSERT_TRUE(count > 0);
    for (int i = 0; i < count; i++) {
        run_file(draft_name, draft, entries[i]->d_name, &counts);
        free(entries[i]);
    }
    free(entries);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
    return counts;
}

static void draft_7_passes_but_for_schemas_of_elsewhere(void) {
    const struct counts counts = run_folder("draft7", DRAFT_7);
    CU_ASSERT_EQUAL(counts.failed, 0);
    CU_ASSERT_TRUE(counts.passed > 800);
}

static void draft_2020_12_passes_but_for_schemas_of_elsewhere(void) {
    const struct counts counts = run_folder("draft2020-12", DRAFT_2020);
    CU_ASSERT_EQUAL(counts.failed, 0);
    CU_ASSERT_TRUE(counts.passed > 1000);
}

static void what_is_optional_in_the_drafts_is_counted(void) {
    CU_ASSERT_TRUE(run_folder("draft7/optional", DRAFT_7).passed > 100);
    CU_ASSERT_TRUE(run_folder("draft2020-12/optional", DRAFT_2020).passed > 100);
}

UNIT_MAIN(UNIT(draft_7_passes_but_for_schemas_of_elsewhere),
          UNIT(draft_2020_12_passes_but_for_schemas_of_elsewhere),
          UNIT(what_is_optional_in_the_drafts_is_counted))
