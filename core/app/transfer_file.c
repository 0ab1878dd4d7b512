/*
 * app/transfer_file.c - the files of export and import, and what is said about them. These commands
 * serve nobody, so they may block.
 *
 * A configuration holds secrets in clear: a file is made readable for its owner only, and takes its
 * place when it is whole and on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/transfer.h"
#include "base/check.h"
#include "base/codec.h"
#include "base/replace_file.h"
#include "base/slice.h"
#include "base/why.h"

#define MAX_BYTES ((size_t)256 << 20)
#define PIECE_BYTES ((size_t)64 << 10)

static bool is_standard(const char *name) {
    return name == NULL || strcmp(name, "-") == 0;
}

/* ---- reading ---- */

static int32_t read_all(int fd, const char *name, struct gw_bytes *text, struct eg_why *ret_why) {
    for (;;) {
        char *to = gw_bytes_grow(text, PIECE_BYTES);
        if (to == NULL) {
            return gw_why(ret_why, EG_E_TOOBIG, "%s: more than %zu MiB are not read", name,
                          MAX_BYTES >> 20);
        }
        const ssize_t n = read(fd, to, PIECE_BYTES);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return gw_why(ret_why, EG_E_IO, "%s: %s", name, strerror(errno));
        }
        if (n == 0) {
            return EG_OK;
        }
        text->len += (size_t)n;
    }
}

int32_t gw_transfer_read(const char *name, struct gw_bytes *ret_text, struct eg_why *ret_why) {
    gw_bytes_init(ret_text, MAX_BYTES + PIECE_BYTES);
    if (is_standard(name)) {
        return read_all(STDIN_FILENO, "standard input", ret_text, ret_why);
    }
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", name, strerror(errno));
    }
    const int32_t rc = read_all(fd, name, ret_text, ret_why);
    (void)close(fd);
    return rc;
}

/* ---- writing ---- */

static int32_t write_all(int fd, const char *name, struct eg_str text, struct eg_why *ret_why) {
    while (text.len > 0) {
        const ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return gw_why(ret_why, EG_E_IO, "%s: %s", name, strerror(n < 0 ? errno : EIO));
        }
        text = gw_str_cut(text, (size_t)n);
    }
    return EG_OK;
}

/* A pipe or a device is written to as it is. */
static int32_t write_into(const char *name, struct eg_str text, struct eg_why *ret_why) {
    const int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", name, strerror(errno));
    }
    const int32_t rc = write_all(fd, name, text, ret_why);
    if (close(fd) != 0 && rc == EG_OK) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", name, strerror(errno));
    }
    return rc;
}

static int32_t replace(const char *name, struct eg_str text, struct eg_why *ret_why) {
    struct eg_why why = {.struct_size = sizeof why};
    const int32_t rc = gw_replace_file(name, text, &why);
    return rc < 0 ? gw_why(ret_why, EG_E_IO, "%s %.*s", name, GW_FMT(gw_why_str(&why))) : EG_OK;
}

int32_t gw_transfer_write(const char *name, struct eg_str text, struct eg_why *ret_why) {
    struct stat status;
    char real[PATH_MAX];
    if (is_standard(name)) {
        return write_all(STDOUT_FILENO, "standard output", text, ret_why);
    }
    const bool is_there = stat(name, &status) == 0;
    if (is_there && S_ISDIR(status.st_mode)) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", name, strerror(EISDIR));
    }
    if (is_there && !S_ISREG(status.st_mode)) {
        return write_into(name, text, ret_why);
    }
    /* A link stays one: what it leads to is replaced. */
    return replace(is_there && realpath(name, real) != NULL ? real : name, text, ret_why);
}

/* ---- words ---- */

/* C0, DEL, and the controls of Latin 1 as UTF-8 has them (C2 80 to C2 9F); how many bytes it has.
 */
static size_t control_bytes(const char *p, size_t left) {
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x20 || u[0] == 0x7f) {
        return 1;
    }
    return u[0] == 0xc2 && left > 1 && u[1] >= 0x80 && u[1] <= 0x9f ? 2 : 0;
}

/* What was cut somewhere may end in the middle of a character. */
void gw_transfer_say(int fd, const char *format, ...) {
    struct eg_why ignored = {.struct_size = sizeof ignored};
    struct gw_bytes line;
    char text[4096];
    va_list args;
    va_start(args, format);
    const int written = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const size_t len = written < 0 ? 0 : (size_t)written;
    gw_bytes_init(&line, 0);
    gw_utf8_repair(&line, gw_str(text, len < sizeof text ? len : sizeof text - 1));
    for (size_t i = 0; i < line.len; i++) {
        const size_t bytes = control_bytes(line.ptr + i, line.len - i);
        memset(line.ptr + i, '?', bytes);
    }
    gw_bytes_add_char(&line, '\n');
    (void)write_all(fd, "", gw_bytes_str(&line), &ignored);
    gw_bytes_free(&line);
}
