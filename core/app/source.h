/*
 * app/source.h - where settings come from, flattened: each key with its section, its value and the
 * place that gave it. The file first, then flags and --set in their order; later ones win.
 */
#ifndef GW_APP_SOURCE_H
#define GW_APP_SOURCE_H

#include "plugin/settings.h"

struct gw_source_item {
    struct eg_str section; /* "", "events", "plugins", "plugins.auth" */
    struct gw_setting_input input;
    bool is_text; /* input.json is plain text of the command line, not JSON yet */
    bool is_bare; /* a section without keys: nothing but its name can be wrong */
};
struct gw_source {
    struct gw_arena arena;
    struct gw_source_item *items;
    size_t count;
    size_t room;
};

void gw_source_free(struct gw_source *source);
/* Texts are copied. */
void gw_source_add(struct gw_source *source, struct eg_str section, struct eg_str key,
                   struct eg_str value, struct eg_str where, bool is_text);
/* A section that holds nothing. */
void gw_source_add_bare(struct gw_source *source, struct eg_str section, struct eg_str where);
/* "section.key=value" of --set, or a flag: the section ends at the last dot before '='. */
int32_t gw_source_add_set(struct gw_source *source, const char *assignment, struct eg_why *ret_why);

/* Reads a libconfig file; refusals name file and line. */
int32_t gw_source_read_file(struct gw_source *source, const char *path, struct eg_why *ret_why);

/* The inputs of one section, text turned into JSON by the type of its row. Array in the arena of
 * the source. */
const struct gw_setting_input *gw_source_section(struct gw_source *source, struct eg_str section,
                                                 const struct gw_settings_table *table,
                                                 size_t *ret_count);

#endif
