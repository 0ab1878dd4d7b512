/*
 * app/config_import.c - `event-gateway config import`: a file becomes the configuration. Nothing is
 * written before all of it is known to be right; then only what differs.
 *
 * Removals have a round of their own: the store is read again after all else was written, so that
 * what others began to use meanwhile is not taken away from them. Control thread.
 */
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/import.h"
#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"

#define MAX_TOLD 100u /* errors; and as many warnings */

void gw_import_fail(struct gw_import *import, int32_t status, enum gw_exit exit_code,
                    struct eg_str why) {
    import->status = gw_why(import->why, status, "%.*s", GW_FMT(why));
    import->app->exit_code = (int)exit_code;
}

/* ---- telling ---- */

static void tell_remarks(const struct gw_import *import, struct gw_remarks *remarks,
                         const char *before) {
    gw_remarks_sort(remarks);
    for (size_t i = 0; i < remarks->count && i < MAX_TOLD; i++) {
        const struct gw_remark *remark = &remarks->items[i];
        if (remark->line == 0) {
            gw_transfer_say(STDERR_FILENO, "%s: %s%.*s", import->name, before,
                            GW_FMT(remark->text));
        } else {
            gw_transfer_say(STDERR_FILENO, "%s:%zu: %s%.*s", import->name, remark->line, before,
                            GW_FMT(remark->text));
        }
    }
    if (remarks->count > MAX_TOLD) {
        gw_transfer_say(STDERR_FILENO, "%s: ... and %zu more", import->name,
                        remarks->count - MAX_TOLD);
    }
}

/* All errors of the file; true if there are any. */
static bool refuse(struct gw_import *import) {
    struct gw_remarks *errors = &import->documents.errors;
    struct gw_bytes text;
    if (errors->count == 0) {
        return false;
    }
    tell_remarks(import, errors, "");
    gw_bytes_init(&text, 0);
    gw_bytes_addf(&text, "%s: %zu error%s; nothing was written", import->name, errors->count,
                  errors->count == 1 ? "" : "s");
    gw_import_fail(import, EG_E_INVAL, GW_EXIT_FAILED, gw_bytes_str(&text));
    gw_bytes_free(&text);
    return true;
}

static void tell_counts(const struct gw_import *import, const size_t *counts, const char *create,
                        const char *update, const char *remove) {
    struct gw_bytes rest;
    gw_bytes_init(&rest, 0);
    if (import->left_out > 0) {
        gw_bytes_addf(&rest, ", left out %zu", import->left_out);
    }
    gw_transfer_say(STDOUT_FILENO, "%s %zu, %s %zu, %s %zu, unchanged %zu%.*s", create,
                    counts[GW_PLAN_CREATE], update, counts[GW_PLAN_UPDATE], remove,
                    counts[GW_PLAN_DELETE], import->unchanged, GW_FMT(gw_bytes_str(&rest)));
    gw_bytes_free(&rest);
}

static void tell_plan(const struct gw_import *import) {
    const struct gw_plan *plan = &import->round.plan;
    struct gw_bytes line;
    gw_bytes_init(&line, 0);
    for (size_t i = 0; i < plan->step_count; i++) {
        gw_bytes_clear(&line);
        gw_plan_describe(&line, &plan->steps[i]);
        gw_transfer_say(STDOUT_FILENO, "%.*s", GW_FMT(gw_bytes_str(&line)));
    }
    gw_bytes_free(&line);
    tell_counts(import, plan->counts, gw_plan_words[GW_PLAN_CREATE], gw_plan_words[GW_PLAN_UPDATE],
                gw_plan_words[GW_PLAN_DELETE]);
}

/* ---- the way ---- */

static void finish(struct gw_import *import) {
    const size_t *done = import->done;
    if (import->status == EG_OK) {
        tell_counts(import, done, "created", "updated", "deleted");
    } else if (done[GW_PLAN_CREATE] + done[GW_PLAN_UPDATE] + done[GW_PLAN_DELETE] > 0) {
        tell_counts(import, done, "stopped: created", "updated", "deleted");
    }
    gw_store_session_end(import->app);
}

static void on_removed(struct gw_import *import) {
    finish(import);
}

/* The second round: all has to be as it should be, but for what is to be removed. What others have
 * added since the first one stays. */
static void on_read_again(void *arg, const struct gw_everything *all) {
    struct gw_import *import = arg;
    if (all->status < 0) {
        gw_import_fail(import, all->status, GW_EXIT_FAILED, all->why);
        finish(import);
        return;
    }
    gw_import_round_free(&import->round);
    gw_import_plan(import, all);
    const struct gw_plan *plan = &import->round.plan;
    tell_remarks(import, &import->documents.errors, "");
    if (import->documents.errors.count > 0 || plan->counts[GW_PLAN_CREATE] > 0 ||
        plan->counts[GW_PLAN_UPDATE] > 0 || plan->counts[GW_PLAN_DELETE] != import->removals) {
        gw_import_fail(import, EG_E_CONFLICT, GW_EXIT_CONFLICT,
                       GW_STR("the configuration was changed by somebody else meanwhile; nothing "
                              "was removed"));
        finish(import);
        return;
    }
    gw_import_write(import, on_removed);
}

static void on_written(struct gw_import *import) {
    if (import->is_failed || import->round.plan.counts[GW_PLAN_DELETE] == 0) {
        finish(import);
        return;
    }
    import->is_removing = true;
    import->removals = import->round.plan.counts[GW_PLAN_DELETE];
    import->read_at = import->round.revision;
    gw_catalog_read_all(import->app->catalog, gw_store_session_deadline(import->app), on_read_again,
                        import);
}

static void warn_unreadable(const struct gw_everything *all) {
    for (size_t i = 0; i < all->count; i++) {
        const struct gw_stored *item = &all->items[i];
        if (item->object == NULL) {
            gw_transfer_say(
                STDERR_FILENO, "event-gateway: %s %.*s/%.*s in the store cannot be read",
                gw_kind_words[item->kind].metric, GW_FMT(item->space), GW_FMT(item->id));
        }
    }
}

static void on_read(void *arg, const struct gw_everything *all) {
    struct gw_import *import = arg;
    if (all->status < 0) {
        struct gw_bytes text;
        gw_bytes_init(&text, 0);
        gw_bytes_addf(&text, "the store cannot be read: %.*s", GW_FMT(all->why));
        tell_remarks(import, &import->documents.errors, "");
        gw_import_fail(import, all->status, GW_EXIT_FAILED, gw_bytes_str(&text));
        gw_bytes_free(&text);
        gw_store_session_end(import->app);
        return;
    }
    warn_unreadable(all);
    gw_import_plan(import, all);
    import->unchanged = import->round.plan.unchanged;
    tell_remarks(import, &import->documents.warnings, "warning: ");
    if (refuse(import)) {
        gw_store_session_end(import->app);
        return;
    }
    if (import->app->options.transfer.is_dry_run) {
        tell_plan(import);
        gw_store_session_end(import->app);
        return;
    }
    gw_import_write(import, on_written);
}

static void work(struct gw_app *app, void *arg) {
    gw_catalog_read_all(app->catalog, gw_store_session_deadline(app), on_read, arg);
}

/* ---- the command ---- */

static enum gw_document_format choose_format(const struct gw_options *options, struct eg_str text) {
    switch (options->transfer.format) {
    case GW_FORMAT_JSON:
        return GW_DOCUMENT_JSON;
    case GW_FORMAT_YAML:
        return GW_DOCUMENT_YAML;
    default:
        return gw_document_guess(gw_str_c(options->operand), text);
    }
}

static int32_t run_session(struct gw_import *import, struct eg_why *ret_why) {
    const int32_t rc = gw_store_session(import->app, true, work, import, ret_why);
    gw_import_round_free(&import->round);
    if (rc < 0) {
        return rc;
    }
    if (import->status < 0) {
        gw_transfer_say(STDERR_FILENO, "event-gateway: %.*s", GW_FMT(gw_why_str(ret_why)));
    }
    return EG_OK;
}

static int32_t run(struct gw_app *app, struct eg_why *ret_why) {
    const char *operand = app->options.operand;
    const bool is_standard = operand == NULL || strcmp(operand, "-") == 0;
    struct gw_import import = {
        .app = app, .name = is_standard ? "standard input" : operand, .why = ret_why};
    struct gw_bytes text;
    if (operand == NULL && isatty(STDIN_FILENO) == 1) {
        return gw_why(ret_why, EG_E_INVAL, "config import reads a FILE, or - for standard input");
    }
    int32_t rc = gw_transfer_read(operand, &text, ret_why);
    if (rc == EG_OK) {
        const enum gw_document_format format = choose_format(&app->options, gw_bytes_str(&text));
        gw_documents_read(&import.documents, gw_bytes_str(&text), format);
        if (import.documents.count == 0 && refuse(&import)) {
            rc = import.status;
        } else {
            rc = run_session(&import, ret_why);
        }
        gw_documents_free(&import.documents);
    }
    gw_bytes_free(&text);
    return rc;
}

static int32_t act_dry_run(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)value;
    (void)ret_why;
    options->transfer.is_dry_run = true;
    return EG_OK;
}

static int32_t act_prune(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)value;
    (void)ret_why;
    options->transfer.is_pruning = true;
    return EG_OK;
}

static const struct gw_flag flags[] = {
    {"store", GW_TAKES_TEXT, NULL, NULL, gw_transfer_act_store,
     "name of the storage component: embedded, etcd, ..."},
    {"format", GW_TAKES_TEXT, NULL, NULL, gw_transfer_act_format,
     "json, yaml or auto: by the name of the file, else by its content"},
    {"space", GW_TAKES_TEXT, NULL, NULL, gw_transfer_act_space,
     "only the documents and objects of this space"},
    {"kind", GW_TAKES_TEXT, NULL, NULL, gw_transfer_act_kind,
     "only functions, eventtypes, subscriptions or cors; repeatable"},
    {"dry-run", GW_TAKES_NOTHING, NULL, NULL, act_dry_run,
     "check everything, tell what would change, write nothing"},
    {"prune", GW_TAKES_NOTHING, NULL, NULL, act_prune, "remove objects that are not in the file"},
};

const struct gw_subcommand gw_config_import_command = {
    .name = "config import",
    .operand = "[FILE|-]",
    .summary = "make the store what a file says",
    .text =
        "Reads documents as `config export` writes them, JSON or YAML, checks all of them by the\n"
        "rules of the Configuration API, and writes what differs from the store. If anything is\n"
        "wrong with the file, all of it is told and nothing is written. Without FILE, or with\n"
        "-, from standard input. What is not in the file stays, unless --prune is given; with\n"
        "--space and --kind only such objects are written and removed. A secret that is given\n"
        "as \"*****\" keeps its stored value. It may be run again at any time: what is done is\n"
        "not done twice.\n"
        "\n"
        "Exit code: 0 done, 1 failed, 2 wrong command line, 4 somebody else changed the same\n"
        "objects meanwhile: run it again.",
    .shared = GW_TRANSFER_SHARED,
    .flags = flags,
    .flag_count = GW_COUNT(flags),
    .run = run,
};
