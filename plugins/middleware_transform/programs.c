/*
 * programs.c - the programs of the rules, before anything runs: read from files, compiled once to
 * see whether they do, written down for the workers. Control thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jq_program.h"
#include "transform.h"

#define PROGRAM_MAX_BYTES 65536u

static int32_t refuse(const struct tr_source *source, struct eg_why *ret_why, const char *text) {
    if (source->file.len > 0) {
        return egx_why(ret_why, EG_E_INVAL, "rule %zu: %s: jq_file '%.*s': %s", source->rule,
                       tr_stage_name(source->stage), EGX_FMT(source->file), text);
    }
    return egx_why(ret_why, EG_E_INVAL, "rule %zu: %s: jq: %s", source->rule,
                   tr_stage_name(source->stage), text);
}

/* ---- files ---- */

static int32_t read_all(int fd, struct tr_source *source) {
    size_t len = 0;
    source->loaded = malloc(PROGRAM_MAX_BYTES + 1);
    while (source->loaded != NULL && len <= PROGRAM_MAX_BYTES) {
        const ssize_t n = read(fd, source->loaded + len, PROGRAM_MAX_BYTES + 1 - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            source->text = egx_str_n(source->loaded, len);
            return n < 0 ? EG_E_IO : EG_OK;
        }
        len += (size_t)n;
    }
    return EG_E_TOOBIG;
}

/* A regular file, so that nobody waits for a pipe. */
static int32_t load(struct tr_source *source, struct eg_why *ret_why) {
    char path[4096];
    struct stat info;
    if (source->file.len >= sizeof path) {
        return refuse(source, ret_why, "the path is too long");
    }
    (void)snprintf(path, sizeof path, "%.*s", EGX_FMT(source->file));
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return refuse(source, ret_why, strerror(errno));
    }
    const int is_file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    const int32_t rc = is_file ? read_all(fd, source) : EG_E_INVAL;
    (void)close(fd);
    if (rc < 0) {
        return refuse(source, ret_why,
                      !is_file            ? "it is no file"
                      : rc == EG_E_TOOBIG ? "it has more than 64 KiB"
                                          : "it cannot be read");
    }
    if (memchr(source->text.ptr, 0, source->text.len) != NULL) {
        return refuse(source, ret_why, "it has NUL bytes in it");
    }
    tr_source_look(source);
    return EG_OK;
}

int32_t tr_rules_load(struct tr_rules *rules, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    for (size_t i = 0; rc >= 0 && i < rules->program_count; i++) {
        if (rules->programs[i].file.len > 0) {
            rc = load(&rules->programs[i], ret_why);
        }
    }
    return rc;
}

/* ---- compiling, and telling the workers ---- */

/* Each alone: which one is it, and what is wrong? */
static int32_t check_each(const struct tr_source *sources, size_t count, struct eg_why *ret_why) {
    char text[700];
    for (size_t i = 0; i < count; i++) {
        struct tr_program *program = NULL;
        const int32_t rc = tr_program_compile(sources[i].text, &program, text, sizeof text);
        tr_program_free(program);
        if (rc < 0) {
            return refuse(&sources[i], ret_why, text);
        }
    }
    return EG_OK;
}

static int32_t check_some(const struct tr_source *sources, size_t count, struct eg_why *ret_why) {
    struct eg_str texts[TR_TOGETHER];
    struct tr_program *program = NULL;
    for (size_t i = 0; i < count; i++) {
        texts[i] = sources[i].text;
    }
    const int32_t rc = tr_programs_compile(texts, count, &program);
    tr_program_free(program);
    return rc < 0 ? check_each(sources, count, ret_why) : EG_OK;
}

int32_t tr_programs_check(const struct tr_rules *rules, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    for (size_t i = 0; rc >= 0 && i < rules->program_count; i += TR_TOGETHER) {
        const size_t left = rules->program_count - i;
        rc = check_some(&rules->programs[i], left < TR_TOGETHER ? left : TR_TOGETHER, ret_why);
    }
    return rc;
}

int32_t tr_programs_setup(const struct tr_rules *rules, uint64_t max_memory, uint64_t max_output,
                          uint64_t timeout_ns, struct egx_json *ret_setup) {
    tr_frame_open(ret_setup, TR_SETUP);
    tr_put_u32(ret_setup, TR_WIRE_VERSION);
    tr_put_u64(ret_setup, max_memory);
    tr_put_u64(ret_setup, max_output);
    tr_put_u64(ret_setup, timeout_ns);
    tr_put_u32(ret_setup, (uint32_t)rules->program_count);
    for (size_t i = 0; i < rules->program_count; i++) {
        tr_put_text(ret_setup, rules->programs[i].text);
    }
    return tr_frame_close(ret_setup);
}
