/*
 * test_options.c - the command line, and what it and the defaults make of struct gw_settings.
 */
#include "app/commands.h"
#include "app/options.h"
#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"
#include "unit.h"

static struct eg_why why = {.struct_size = sizeof why};

#define LOAD(options, ...)                                                                         \
    load(options, (char *[]){"event-gateway", __VA_ARGS__},                                        \
         (int)GW_COUNT(((char *[]){"event-gateway", __VA_ARGS__})))

static int32_t load(struct gw_options *options, char **argv, int argc) {
    return gw_options_load(options, argc, argv, &why);
}

static void defaults_are_those_of_the_rows(void) {
    struct gw_options options;
    CU_ASSERT_EQUAL_FATAL(LOAD(&options, "--version=false"), EG_OK);
    const struct gw_settings *s = &options.settings;
    CU_ASSERT_EQUAL(s->top.workers, 100);
    CU_ASSERT_EQUAL(s->top.workers_backlog, 200);
    CU_ASSERT_EQUAL(s->top.drain_timeout_ns, 30000000000u);
    CU_ASSERT_EQUAL(s->events.listener.port, 4000);
    CU_ASSERT_EQUAL(s->config.listener.port, 4001);
    ASSERT_STR(s->config.listener.listen, "127.0.0.1");
    CU_ASSERT_EQUAL(s->limits.body_bytes, 1048576);
    CU_ASSERT_EQUAL(s->api.mask_secrets, 1);
    ASSERT_STR(s->store.backend, "embedded");
    ASSERT_STR(gw_options_data_dir(&options), "/var/lib/event-gateway");
    gw_options_free(&options);
}

static void one_or_two_dashes_and_both_ways_of_values(void) {
    struct gw_options options;
    CU_ASSERT_EQUAL_FATAL(LOAD(&options, "-workers", "7", "--workers-backlog=9", "-dev",
                               "--events-port", "0", "--plugin", "a.so", "--plugin=b.so"),
                          EG_OK);
    CU_ASSERT_EQUAL(options.settings.top.workers, 7);
    CU_ASSERT_EQUAL(options.settings.top.workers_backlog, 9);
    CU_ASSERT_TRUE(options.is_dev);
    CU_ASSERT_EQUAL(options.settings.events.listener.port, 0);
    CU_ASSERT_EQUAL_FATAL(options.plugins.count, 2);
    ASSERT_STR(options.plugins.items[1], "b.so");
    ASSERT_STR(gw_options_data_dir(&options), "event-gateway-data");
    gw_options_free(&options);
}

static void the_last_of_repeated_settings_wins(void) {
    struct gw_options options;
    CU_ASSERT_EQUAL_FATAL(LOAD(&options, "--workers", "7", "--set", "workers=8"), EG_OK);
    CU_ASSERT_EQUAL(options.settings.top.workers, 8);
    gw_options_free(&options);
}

static void flags_of_the_original_are_accepted(void) {
    struct gw_options options;
    CU_ASSERT_EQUAL_FATAL(LOAD(&options, "-embed-peer-addr", "http://127.0.0.1:2380",
                               "-embed-cli-addr", "http://127.0.0.1:2379", "-embed-data-dir", "d",
                               "-db-hosts", "h1:1,h2:2", "-log-level", "err"),
                          EG_OK);
    ASSERT_STR(options.settings.top.data_dir, "d");
    ASSERT_STR(options.settings.store.backend, "etcd");
    gw_options_free(&options);
}

static void what_cannot_be_is_refused_with_a_sentence(void) {
    static char *const bad[][2] = {
        {"--workers", "-1"},
        {"--workers", "99999999999999999999"},
        {"--events-port", "65536"},
        {"--log-level", "loud"},
        {"--set", "workers=x"},
        {"--set", "nosuch=1"},
        {"--set", "evnts.port=1"},
        {"--set", "events.tls_cert=/x"},
        {"--set", "workers"},
        {"stray", "argument"},
        {"--nosuch", "x"},
        {"--config", "/nosuch/file"},
        {"--set", "events.hosted=1"},
        {"--dev=maybe", "--dev"},
    };
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        struct gw_options options;
        why.len = 0;
        CU_ASSERT(LOAD(&options, bad[i][0], bad[i][1]) < 0);
        CU_ASSERT(why.len > 0);
        gw_options_free(&options);
    }
}

static void every_flag_is_in_the_usage_and_every_setting_in_the_help(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_options_help(&out, &(struct gw_options){0});
    gw_bytes_add_char(&out, '\0');
    CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, "--embed-data-dir"));
    for (size_t g = 0; g < gw_settings_group_count; g++) {
        const struct gw_settings_table *table = &gw_settings_groups[g].table;
        for (size_t i = 0; i < table->count; i++) {
            CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, table->rows[i]->name));
        }
    }
    gw_bytes_free(&out);
}

/* ---- sub-commands ---- */

static void words_choose_a_sub_command_with_flags_of_its_own(void) {
    struct gw_options options;
    CU_ASSERT_EQUAL_FATAL(LOAD(&options, "config", "import", "--dry-run", "in.yaml", "--store=mine",
                               "-space", "s", "--kind", "cors", "--kind", "functions", "--format",
                               "yaml", "--data-dir", "d"),
                          EG_OK);
    CU_ASSERT_PTR_EQUAL(options.subcommand, &gw_config_import_command);
    CU_ASSERT_EQUAL(strcmp(options.operand, "in.yaml"), 0);
    CU_ASSERT_TRUE(options.transfer.is_dry_run);
    CU_ASSERT_FALSE(options.transfer.is_pruning);
    CU_ASSERT_EQUAL(options.transfer.format, GW_FORMAT_YAML);
    CU_ASSERT_EQUAL(options.transfer.kinds, 1u << GW_CORS | 1u << GW_FUNCTION);
    ASSERT_STR(options.transfer.space, "s");
    ASSERT_STR(options.settings.store.backend, "mine");
    ASSERT_STR(options.settings.top.data_dir, "d");
    gw_options_free(&options);
    CU_ASSERT_EQUAL_FATAL(LOAD(&options, "config", "export", "-"), EG_OK);
    CU_ASSERT_PTR_EQUAL(options.subcommand, &gw_config_export_command);
    CU_ASSERT_EQUAL(strcmp(options.operand, "-"), 0);
    gw_options_free(&options);
}

static void a_sub_command_may_need_several_words(void) {
    struct gw_options options;
    CU_ASSERT_EQUAL_FATAL(LOAD(&options, "plugin", "new", "reacter", "--template", "t", "n", "d"),
                          EG_OK);
    CU_ASSERT_PTR_EQUAL(options.subcommand, &gw_plugin_new_command);
    CU_ASSERT_EQUAL(options.operand_count, 3);
    CU_ASSERT_STRING_EQUAL(options.operands[1], "n");
    CU_ASSERT_PTR_EQUAL(options.operand, options.operands[0]);
    CU_ASSERT_STRING_EQUAL(options.kit.template_path, "t");
    gw_options_free(&options);
    CU_ASSERT_EQUAL(LOAD(&options, "plugin", "new", "reacter", "n"), EG_E_INVAL);
    ASSERT_STR(gw_why_str(&why), "plugin new needs KIND NAME DIR");
    gw_options_free(&options);
    CU_ASSERT_EQUAL(LOAD(&options, "plugin", "inspect", "a", "b"), EG_E_INVAL);
    gw_options_free(&options);
    CU_ASSERT_EQUAL_FATAL(LOAD(&options, "plugin", "new", "--help"), EG_OK);
    CU_ASSERT_EQUAL(options.command, GW_SHOW_HELP);
    gw_options_free(&options);
}

static void words_that_are_no_command_are_refused(void) {
    static char *const bad[][4] = {
        {"config", NULL},
        {"config", "exprt", NULL},
        {"export", NULL},
        {"help", "nothing", NULL},
        {"config", "export", "--prune", NULL},
        {"config", "export", "--workers=1", NULL},
        {"config", "import", "a", "b"},
        {"--dev", "config", "export", NULL},
        {"-", NULL},
    };
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        struct gw_options options;
        char *argv[5] = {"event-gateway"};
        int argc = 1;
        for (size_t k = 0; k < 4 && bad[i][k] != NULL; k++) {
            argv[argc++] = bad[i][k];
        }
        why.len = 0;
        CU_ASSERT_EQUAL(gw_options_parse(&options, argc, argv, &why), EG_E_INVAL);
        CU_ASSERT(why.len > 0);
        gw_options_free(&options);
    }
}

static void help_is_of_what_was_chosen(void) {
    static const struct {
        char *words[4];
        const char *has;
        const char *has_not;
    } rows[] = {
        {{"help", NULL}, "--workers", "--prune"},
        {{"help", "config", NULL}, "config import", "--workers"},
        {{"config", "-h", NULL}, "config import", "--workers"},
        {{"help", "config", "import", NULL}, "--prune", "--workers"},
        {{"config", "export", "--help", NULL}, "--mask-secrets", "--prune"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_options options;
        struct gw_bytes out;
        char *argv[5] = {"event-gateway"};
        int argc = 1;
        for (size_t k = 0; k < 4 && rows[i].words[k] != NULL; k++) {
            argv[argc++] = rows[i].words[k];
        }
        gw_bytes_init(&out, 0);
        CU_ASSERT_EQUAL(gw_options_parse(&options, argc, argv, &why), EG_OK);
        CU_ASSERT_EQUAL(options.command, GW_SHOW_HELP);
        gw_options_help(&out, &options);
        gw_bytes_add_char(&out, '\0');
        CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, rows[i].has));
        CU_ASSERT_PTR_NULL(strstr(out.ptr, rows[i].has_not));
        gw_bytes_free(&out);
        gw_options_free(&options);
    }
}

UNIT_MAIN(UNIT(defaults_are_those_of_the_rows), UNIT(one_or_two_dashes_and_both_ways_of_values),
          UNIT(the_last_of_repeated_settings_wins), UNIT(flags_of_the_original_are_accepted),
          UNIT(what_cannot_be_is_refused_with_a_sentence),
          UNIT(every_flag_is_in_the_usage_and_every_setting_in_the_help),
          UNIT(words_choose_a_sub_command_with_flags_of_its_own),
          UNIT(a_sub_command_may_need_several_words), UNIT(words_that_are_no_command_are_refused),
          UNIT(help_is_of_what_was_chosen))
