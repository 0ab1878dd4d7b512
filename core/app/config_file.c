/*
 * app/config_file.c - the configuration file. The one door to libconfig.
 *
 * The tree is flattened into the source: scalars, lists and arrays of the top level are keys of the
 * section "", groups are sections, groups inside `plugins` are sections of components. Groups
 * deeper inside are values (JSON). @include looks beside the file that --config named, wherever the
 * gateway was started; places name the included file. Control thread.
 */
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <string.h>

#include "app/source.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "base/why.h"

#define MAX_DEPTH 32u

static void write_scalar(struct gw_bytes *out, const config_setting_t *value) {
    switch (config_setting_type(value)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        gw_bytes_addf(out, "%" PRId64, (int64_t)config_setting_get_int64(value));
        break;
    case CONFIG_TYPE_FLOAT:
        gw_bytes_addf(out, "%.17g", config_setting_get_float(value));
        break;
    case CONFIG_TYPE_BOOL:
        gw_bytes_add_c(out, config_setting_get_bool(value) ? "true" : "false");
        break;
    default:
        gw_jw_string(out, gw_str_c(config_setting_get_string(value)));
        break;
    }
}

static bool is_container(const config_setting_t *value) {
    return config_setting_is_group(value) || config_setting_is_list(value) ||
           config_setting_is_array(value);
}

/* Where the walk stands at one level of a value. */
struct level {
    const config_setting_t *container;
    unsigned next;
};

static bool open_container(struct gw_bytes *out, struct level *levels, size_t *depth,
                           const config_setting_t *value) {
    if (*depth == MAX_DEPTH) {
        return false;
    }
    gw_bytes_add_char(out, config_setting_is_group(value) ? '{' : '[');
    levels[(*depth)++] = (struct level){.container = value};
    return true;
}

/* Writes any value as JSON, without recursion. False when nested too deep. */
static bool write_value(struct gw_bytes *out, const config_setting_t *value) {
    struct level levels[MAX_DEPTH];
    size_t depth = 0;
    if (!is_container(value)) {
        write_scalar(out, value);
        return true;
    }
    open_container(out, levels, &depth, value);
    while (depth > 0) {
        struct level *top = &levels[depth - 1];
        const bool is_group = config_setting_is_group(top->container);
        const config_setting_t *next = config_setting_get_elem(top->container, top->next);
        if (next == NULL) {
            gw_bytes_add_char(out, is_group ? '}' : ']');
            depth--;
            continue;
        }
        if (top->next++ > 0) {
            gw_bytes_add_char(out, ',');
        }
        if (is_group) {
            gw_jw_string(out, gw_str_c(config_setting_name(next)));
            gw_bytes_add_char(out, ':');
        }
        if (!is_container(next)) {
            write_scalar(out, next);
        } else if (!open_container(out, levels, &depth, next)) {
            return false;
        }
    }
    return true;
}

struct reader {
    struct gw_source *source;
    const char *path;
    struct eg_why *why;
};

static struct eg_str place_of(const struct reader *reader, const config_setting_t *setting) {
    const char *file = config_setting_source_file(setting);
    return gw_arena_printf(&reader->source->arena, "%s:%u", file == NULL ? reader->path : file,
                           config_setting_source_line(setting));
}

static int32_t add_key(const struct reader *reader, struct eg_str section,
                       const config_setting_t *setting) {
    const struct eg_str where = place_of(reader, setting);
    struct gw_bytes json;
    gw_bytes_init_arena(&json, &reader->source->arena, 64);
    if (!write_value(&json, setting)) {
        return gw_why(reader->why, EG_E_TOOBIG, "%.*s: '%s' is nested too deep", GW_FMT(where),
                      config_setting_name(setting));
    }
    gw_source_add(reader->source, section, gw_str_c(config_setting_name(setting)),
                  gw_bytes_str(&json), where, false);
    return EG_OK;
}

/* The keys of a group; with has_components, groups inside are sections of their own. */
static int32_t add_section(const struct reader *reader, struct eg_str section,
                           const config_setting_t *group, bool has_components) {
    const config_setting_t *setting;
    if (config_setting_length(group) == 0) {
        gw_source_add_bare(reader->source, section, place_of(reader, group));
    }
    for (unsigned i = 0; (setting = config_setting_get_elem(group, i)) != NULL; i++) {
        int32_t rc = EG_OK;
        if (has_components && config_setting_is_group(setting)) {
            const struct eg_str name = gw_arena_printf(
                &reader->source->arena, "%.*s.%s", GW_FMT(section), config_setting_name(setting));
            rc = add_section(reader, name, setting, false);
        } else {
            rc = add_key(reader, section, setting);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

static int32_t add_all(const struct reader *reader, const config_setting_t *root) {
    const config_setting_t *setting;
    for (unsigned i = 0; (setting = config_setting_get_elem(root, i)) != NULL; i++) {
        const struct eg_str name = gw_str_c(config_setting_name(setting));
        const int32_t rc =
            config_setting_is_group(setting)
                ? add_section(reader, name, setting, gw_str_eq(name, GW_STR("plugins")))
                : add_key(reader, GW_STR(""), setting);
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

static void look_beside(config_t *config, struct gw_source *source, const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        const struct eg_str directory =
            gw_arena_dup(&source->arena, gw_str(path, (size_t)(slash - path) + 1));
        config_set_include_dir(config, directory.ptr);
    }
}

int32_t gw_source_read_file(struct gw_source *source, const char *path, struct eg_why *ret_why) {
    config_t config;
    int32_t rc = EG_OK;
    config_init(&config);
    look_beside(&config, source, path);
    errno = 0;
    if (config_read_file(&config, path) != CONFIG_TRUE) {
        const char *file = config_error_file(&config);
        rc = config_error_type(&config) == CONFIG_ERR_FILE_IO
                 ? gw_why(ret_why, EG_E_IO, "%s: %s", path,
                          errno == 0 ? config_error_text(&config) : strerror(errno))
                 : gw_why(ret_why, EG_E_SYNTAX, "%s:%d: %s", file == NULL ? path : file,
                          config_error_line(&config), config_error_text(&config));
        goto out;
    }
    const struct reader reader = {.source = source, .path = path, .why = ret_why};
    rc = add_all(&reader, config_root_setting(&config));
out:
    config_destroy(&config);
    return rc;
}
