/*
 * app/config_export.c - `event-gateway config export`: everything that the store holds, as a file.
 *
 * The order is that of references, then of names, so that two exports of one configuration are the
 * same bytes whatever store they come from. Secrets are in it in clear: without them it could not
 * be imported. Control thread.
 */
#include <stdlib.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/store_session.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/plan.h"
#include "state/catalog_all.h"
#include "state/function_rules.h"

struct export {
    struct gw_app *app;
    enum gw_document_format format;
    struct gw_bytes text;
    size_t written;
    size_t skipped;
    bool has_secrets;
    int32_t status;
    struct eg_why *why;
};

static int by_order(const void *a, const void *b) {
    const struct gw_stored *x = *(const struct gw_stored *const *)a;
    const struct gw_stored *y = *(const struct gw_stored *const *)b;
    if (x->kind != y->kind) {
        return gw_plan_order(x->kind) < gw_plan_order(y->kind) ? -1 : 1;
    }
    const int by_space = gw_str_cmp(x->space, y->space);
    return by_space != 0 ? by_space : gw_str_cmp(x->id, y->id);
}

static void skip(struct export *export, const struct gw_stored *stored) {
    export->skipped++;
    gw_transfer_say(STDERR_FILENO,
                    "event-gateway: %s %.*s/%.*s cannot be read and is left out: %.*s",
                    gw_kind_words[stored->kind].metric, GW_FMT(stored->space), GW_FMT(stored->id),
                    GW_FMT(stored->why));
}

static void add(struct export *export, const struct gw_object *object) {
    const struct gw_transfer *transfer = &export->app->options.transfer;
    struct gw_bytes masked;
    gw_bytes_init(&masked, 0);
    if (object->kind == GW_FUNCTION) {
        gw_provider_mask(export->app->manager, object->as.function.type,
                         object->as.function.provider_json, &masked);
        export->has_secrets = export->has_secrets || gw_function_is_masked(gw_bytes_str(&masked));
    }
    gw_document_write(&export->text, object,
                      transfer->is_masking ? gw_bytes_str(&masked) : (struct eg_str){0},
                      export->format);
    gw_bytes_free(&masked);
    export->written++;
}

static void add_all(struct export *export, const struct gw_everything *all) {
    const struct gw_stored **items = gw_alloc(gw_size_mul(all->count + 1, sizeof *items));
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct gw_stored *item = &all->items[i];
        if (gw_transfer_has(&export->app->options.transfer, item->kind, item->space)) {
            items[count++] = item;
        }
    }
    qsort(items, count, sizeof items[0], by_order);
    for (size_t i = 0; i < count; i++) {
        if (items[i]->object == NULL) {
            skip(export, items[i]);
        } else {
            add(export, items[i]->object);
        }
    }
    gw_free(items);
}

static void tell(const struct export *export) {
    const struct gw_transfer *transfer = &export->app->options.transfer;
    const char *secrets = "";
    if (export->has_secrets) {
        secrets = transfer->is_masking
                      ? "; secrets are masked: it can only be imported where they are"
                      : "; secrets are in it in clear";
    }
    gw_transfer_say(STDERR_FILENO, "event-gateway: exported %zu object%s%s", export->written,
                    export->written == 1 ? "" : "s", secrets);
}

static void on_read(void *arg, const struct gw_everything *all) {
    struct export *export = arg;
    struct gw_app *app = export->app;
    if (all->status < 0) {
        export->status =
            gw_why(export->why, all->status, "the store cannot be read: %.*s", GW_FMT(all->why));
    } else {
        add_all(export, all);
        export->status =
            gw_transfer_write(app->options.operand, gw_bytes_str(&export->text), export->why);
    }
    if (export->status == EG_OK) {
        tell(export);
    }
    app->exit_code = export->status < 0    ? GW_EXIT_FAILED
                     : export->skipped > 0 ? GW_EXIT_SKIPPED
                                           : GW_EXIT_OK;
    gw_store_session_end(app);
}

static void work(struct gw_app *app, void *arg) {
    gw_catalog_read_all(app->catalog, gw_store_session_deadline(app), on_read, arg);
}

static enum gw_document_format choose_format(const struct gw_options *options) {
    switch (options->transfer.format) {
    case GW_FORMAT_JSON:
        return GW_DOCUMENT_JSON;
    case GW_FORMAT_YAML:
        return GW_DOCUMENT_YAML;
    default:
        return gw_document_guess(gw_str_c(options->operand), (struct eg_str){0});
    }
}

static int32_t run(struct gw_app *app, struct eg_why *ret_why) {
    struct export export = {.app = app, .format = choose_format(&app->options), .why = ret_why};
    gw_bytes_init(&export.text, 0);
    const int32_t rc = gw_store_session(app, false, work, &export, ret_why);
    gw_bytes_free(&export.text);
    return rc < 0 ? rc : export.status;
}

static int32_t act_mask(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)value;
    (void)ret_why;
    options->transfer.is_masking = true;
    return EG_OK;
}

static const struct gw_flag flags[] = {
    {"store", GW_TAKES_TEXT, NULL, NULL, gw_transfer_act_store,
     "name of the storage component: embedded, etcd, ..."},
    {"format", GW_TAKES_TEXT, NULL, NULL, gw_transfer_act_format,
     "json or yaml; else by the name of the file, else json"},
    {"space", GW_TAKES_TEXT, NULL, NULL, gw_transfer_act_space, "only the objects of this space"},
    {"kind", GW_TAKES_TEXT, NULL, NULL, gw_transfer_act_kind,
     "only functions, eventtypes, subscriptions or cors; repeatable"},
    {"mask-secrets", GW_TAKES_NOTHING, NULL, NULL, act_mask,
     "write ***** instead of the secrets of functions"},
};

const struct gw_subcommand gw_config_export_command = {
    .name = "config export",
    .operand = "[FILE|-]",
    .summary = "write all objects of the store to a file",
    .text =
        "Writes all functions, event types, subscriptions and CORS rules that the store holds,\n"
        "one document each: JSON, one object a line, or YAML. Without FILE, or with -, to\n"
        "standard output. FILE is made readable for its owner only, since the secrets of\n"
        "functions are in it; without them it could not be imported.\n"
        "\n"
        "Exit code: 0 done, 1 failed, 2 wrong command line, 3 done but for records that cannot\n"
        "be read; they are named on standard error.",
    .shared = GW_TRANSFER_SHARED,
    .flags = flags,
    .flag_count = GW_COUNT(flags),
    .run = run,
};
