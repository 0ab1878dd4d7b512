/*
 * app/import.h - one run of `config import`; what its files share. Control thread.
 *
 *   read the file -> open the store -> round: read all of it, make objects of the documents, plan
 *   -> write what is to be written -> (with removals: another round) -> remove -> tell
 */
#ifndef GW_APP_IMPORT_H
#define GW_APP_IMPORT_H

#include "app/store_session.h"
#include "domain/plan.h"
#include "state/catalog_all.h"

/* How many writes are under way at once: stores answer later than they take. */
#define GW_IMPORT_AT_ONCE 32u

/* What one read of the store has led to. */
struct gw_import_round {
    struct gw_arena arena;
    struct gw_plan_table table;
    struct gw_plan plan;
    struct gw_object **held; /* references of the table */
    size_t held_count;
    uint64_t revision; /* of the store when it was read */
};

struct gw_import {
    struct gw_app *app;
    const char *name; /* of the file, for people */
    struct gw_documents documents;
    size_t left_out; /* documents that --space and --kind do not want */
    struct gw_import_round round;
    bool is_removing; /* the second half: removals, */
    size_t removals;  /* so many of them, */
    uint64_t read_at; /* of what stood there at this revision of the store */
    size_t next;      /* of the plan's steps */
    size_t under_way;
    size_t done[GW_PLAN_OPS];
    size_t unchanged;
    bool is_failed;
    uint64_t shown_ns; /* when progress was shown last */
    int32_t status;    /* of the whole, with why */
    struct eg_why *why;
};

/* import_round.c: fills the round. Everything that is wrong is added to documents.errors, what is
 * only odd to documents.warnings. */
void gw_import_plan(struct gw_import *import, const struct gw_everything *all);
void gw_import_round_free(struct gw_import_round *round);

/* import_write.c: does the steps of the plan that belong to this half; then on_written, with
 * is_failed set if it could not be ended. */
void gw_import_write(struct gw_import *import, void (*on_written)(struct gw_import *import));

/* Stops with an error of its own: EG_E_* and a sentence in import->why, an exit code. */
void gw_import_fail(struct gw_import *import, int32_t status, enum gw_exit exit_code,
                    struct eg_str why);

#endif
