/*
 * app/plugin_new.c - `plugin new`: a project to begin with. The templates are real projects, files
 * that are installed with the SDK (sdk/template); the word `example`, in names and in files,
 * becomes the name of the new component. Control thread; blocks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "app/commands.h"
#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"

#define NAME_MAX_BYTES 40u
#define FILES_MAX 16u
#define PLACEHOLDER "example"

#ifndef EVENTGW_LIBDIR_FROM_BIN
#define EVENTGW_LIBDIR_FROM_BIN "../lib"
#endif
#ifndef EVENTGW_DATADIR_FROM_BIN
#define EVENTGW_DATADIR_FROM_BIN "../share"
#endif

struct project {
    struct gw_arena *arena;
    const char *kind;
    const char *name;
    const char *to;     /* directory */
    struct eg_str from; /* directory of the template */
    const char *files[FILES_MAX];
    size_t file_count;
};

/* ---- what is asked for ---- */

static int32_t check_name(const char *name, struct eg_why *ret_why) {
    size_t len = 0;
    for (; name[len] != '\0'; len++) {
        const char c = name[len];
        const bool is_later = (c >= '0' && c <= '9') || c == '_';
        if (!(c >= 'a' && c <= 'z') && (len == 0 || !is_later)) {
            break;
        }
    }
    if (len == 0 || name[len] != '\0' || len > NAME_MAX_BYTES) {
        return gw_why(ret_why, EG_E_INVAL,
                      "'%s' is no name for a component: a-z, 0-9 and _, a letter first, at most %u",
                      name, NAME_MAX_BYTES);
    }
    return EG_OK;
}

/* Two components of one name cannot be in a gateway. */
static int32_t check_is_free(struct gw_app *app, const char *name, struct eg_why *ret_why) {
    struct eg_why ignored = {.struct_size = sizeof ignored};
    if (gw_app_make_manager(app, &ignored) < 0 ||
        gw_manager_component(app->manager, 0, gw_str_c(name)) == NULL) {
        return EG_OK;
    }
    return gw_why(ret_why, EG_E_EXISTS,
                  "this gateway has a component '%s' already; `plugin list` names them all", name);
}

static int32_t find_templates(struct gw_app *app, struct gw_arena *arena, const char **ret_path,
                              struct eg_why *ret_why) {
    static const char *const places[] = {"plugin-template",
                                         EVENTGW_DATADIR_FROM_BIN "/eventgw/plugin-template",
                                         "../share/eventgw/plugin-template"};
    const char *given = app->options.kit.template_path;
    *ret_path = given != NULL ? given : gw_app_find_beside(arena, places, GW_COUNT(places));
    return *ret_path == NULL
               ? gw_why(ret_why, EG_E_NOTFOUND,
                        "the templates are not installed; --template DIR says where they are")
               : EG_OK;
}

static int32_t refuse_kind(const char *templates, const char *kind, struct eg_why *ret_why) {
    char list[200] = "";
    size_t len = 0;
    if (access(templates, R_OK) != 0) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", templates, strerror(errno));
    }
    for (uint32_t k = EG_KIND_PROVIDER; k <= EG_KIND_REACTER; k++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/%s", templates, gw_kit_kind(k));
        if (access(path, R_OK) == 0) {
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len == 0 ? "" : ", ",
                                    gw_kit_kind(k));
        }
    }
    return gw_why(ret_why, EG_E_INVAL, "there is no template for '%s' in %s; there is: %s", kind,
                  templates, len == 0 ? "none" : list);
}

/* ---- reading the template ---- */

static int32_t list_files(struct project *project, struct eg_why *ret_why) {
    DIR *directory = opendir(project->from.ptr);
    const struct dirent *entry = NULL;
    if (directory == NULL) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", project->from.ptr, strerror(errno));
    }
    while ((entry = readdir(directory)) != NULL && project->file_count < FILES_MAX) {
        if (entry->d_name[0] != '.') {
            project->files[project->file_count++] =
                gw_arena_dup(project->arena, gw_str_c(entry->d_name)).ptr;
        }
    }
    (void)closedir(directory);
    return EG_OK;
}

/* `example` and `EXAMPLE` become the name. */
static struct eg_str fill_in(const struct project *project, struct eg_str text) {
    const size_t word = sizeof PLACEHOLDER - 1;
    struct gw_bytes out;
    gw_bytes_init_arena(&out, project->arena, text.len + 256);
    for (size_t i = 0; i < text.len; i++) {
        const struct eg_str rest = gw_str_cut(text, i);
        if (gw_str_starts(rest, GW_STR(PLACEHOLDER))) {
            gw_bytes_add_c(&out, project->name);
            i += word - 1;
        } else {
            gw_bytes_add_char(&out, text.ptr[i]);
        }
    }
    gw_bytes_add_char(&out, '\0');
    return gw_str(out.ptr, out.len - 1);
}

/* ---- writing the project ---- */

static int32_t make_directory(const char *path, struct eg_why *ret_why) {
    if (mkdir(path, 0777) == 0) {
        return EG_OK;
    }
    if (errno != EEXIST) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", path, strerror(errno));
    }
    DIR *directory = opendir(path);
    const struct dirent *entry = NULL;
    bool is_empty = directory != NULL;
    if (directory == NULL) {
        return gw_why(ret_why, EG_E_EXISTS, "%s: %s", path, strerror(errno));
    }
    while (is_empty && (entry = readdir(directory)) != NULL) {
        is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    (void)closedir(directory);
    return is_empty ? EG_OK
                    : gw_why(ret_why, EG_E_EXISTS, "%s is not empty; nothing was written", path);
}

static int32_t write_file(const char *path, struct eg_str text, struct eg_why *ret_why) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int32_t rc = fd < 0 ? EG_E_IO : EG_OK;
    while (rc == EG_OK && text.len > 0) {
        const ssize_t n = write(fd, text.ptr, text.len);
        rc = n <= 0 ? EG_E_IO : EG_OK;
        text = n <= 0 ? text : gw_str_cut(text, (size_t)n);
    }
    const int error = errno;
    if (fd >= 0 && close(fd) != 0 && rc == EG_OK) {
        rc = EG_E_IO;
    }
    return rc == EG_OK ? EG_OK : gw_why(ret_why, rc, "%s: %s", path, strerror(error));
}

static int32_t copy_file(const struct project *project, const char *name, struct eg_why *ret_why) {
    const struct eg_str from = gw_arena_printf(project->arena, "%s/%s", project->from.ptr, name);
    const struct eg_str to =
        gw_arena_printf(project->arena, "%s/%s", project->to, fill_in(project, gw_str_c(name)).ptr);
    struct gw_bytes text;
    int32_t rc = gw_transfer_read(from.ptr, &text, ret_why);
    if (rc == EG_OK) {
        rc = write_file(to.ptr, fill_in(project, gw_bytes_str(&text)), ret_why);
    }
    gw_bytes_free(&text);
    return rc;
}

/* Where find_package finds this gateway. */
static const char *find_prefix(struct gw_arena *arena) {
    static const char *const packages[] = {"EventGatewayConfig.cmake", EVENTGW_LIBDIR_FROM_BIN
                                           "/cmake/EventGateway/EventGatewayConfig.cmake"};
    static const char *const prefixes[] = {".", ".."};
    char real[PATH_MAX];
    for (size_t i = 0; i < GW_COUNT(packages); i++) {
        if (gw_app_find_beside(arena, &packages[i], 1) != NULL &&
            realpath(gw_app_find_beside(arena, &prefixes[i], 1), real) != NULL) {
            return gw_arena_dup(arena, gw_str_c(real)).ptr;
        }
    }
    return NULL;
}

static void tell(const struct project *project) {
    const char *prefix = find_prefix(project->arena);
    gw_transfer_say(STDOUT_FILENO, "wrote %s: %zu files. Build it, test it, check it:", project->to,
                    project->file_count);
    gw_transfer_say(STDOUT_FILENO, "  cmake -S %s -B %s/build%s%s && cmake --build %s/build",
                    project->to, project->to,
                    prefix == NULL ? "" : " -DCMAKE_PREFIX_PATH=", prefix == NULL ? "" : prefix,
                    project->to);
    gw_transfer_say(STDOUT_FILENO, "  ctest --test-dir %s/build --output-on-failure", project->to);
    const bool has_functions = strcmp(project->kind, "provider") == 0;
    gw_transfer_say(STDOUT_FILENO, "  event-gateway plugin check %s/build/%s_%s.so%s%s%s",
                    project->to, project->kind, project->name, has_functions ? " --function " : "",
                    has_functions ? project->to : "", has_functions ? "/function.json" : "");
    gw_transfer_say(STDOUT_FILENO, "%s/README.md goes on from here.", project->to);
}

static int32_t write_project(struct project *project, struct eg_why *ret_why) {
    int32_t rc = list_files(project, ret_why);
    if (rc == EG_OK) {
        rc = make_directory(project->to, ret_why);
    }
    for (size_t i = 0; i < project->file_count && rc == EG_OK; i++) {
        rc = copy_file(project, project->files[i], ret_why);
    }
    return rc;
}

static int32_t run(struct gw_app *app, struct eg_why *ret_why) {
    struct gw_arena *arena = &app->options.source.arena;
    struct project project = {.arena = arena,
                              .kind = app->options.operands[0],
                              .name = app->options.operands[1],
                              .to = app->options.operands[2]};
    const char *templates = NULL;
    int32_t rc = check_name(project.name, ret_why);
    if (rc == EG_OK) {
        rc = find_templates(app, arena, &templates, ret_why);
    }
    if (rc == EG_OK) {
        project.from = gw_arena_printf(arena, "%s/%s", templates, project.kind);
        const bool is_word = check_name(project.kind, NULL) == EG_OK;
        rc = is_word && access(project.from.ptr, R_OK) == 0
                 ? EG_OK
                 : refuse_kind(templates, project.kind, ret_why);
    }
    if (rc == EG_OK) {
        rc = check_is_free(app, project.name, ret_why);
    }
    if (rc == EG_OK) {
        rc = write_project(&project, ret_why);
    }
    if (rc == EG_OK) {
        tell(&project);
    }
    return rc;
}

static int32_t act_template(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)ret_why;
    options->kit.template_path = value;
    return EG_OK;
}

static const struct gw_flag flags[] = {
    {"template", GW_TAKES_TEXT, NULL, NULL, act_template,
     "directory of the templates, when they are elsewhere"},
};

const struct gw_subcommand gw_plugin_new_command = {
    .name = "plugin new",
    .operand = "KIND NAME DIR",
    .operands = 3,
    .summary = "write a plugin to begin with",
    .text =
        "Writes a project for a component NAME of a KIND (middleware, reacter, provider) into the\n"
        "new or empty directory DIR: its source, a CMake project, a unit test on the fake host of\n"
        "the SDK, and a README. It builds, and passes its test, as it stands.\n"
        "\n"
        "Exit code: 0 done, 1 refused, and nothing was written, 2 wrong command line.",
    .shared = "",
    .flags = flags,
    .flag_count = GW_COUNT(flags),
    .run = run,
};
