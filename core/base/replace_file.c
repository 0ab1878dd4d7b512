/*
 * base/replace_file.c - see the header. A temporary file beside it, NAME.XXXXXX.tmp, flushed to the
 * disk, takes its name (rename(2) is atomic); then the directory is flushed, so that the name is on
 * the disk too.
 *
 * The names are drawn, since processes of two containers may have the same id. A temporary file is
 * locked (flock(2)) while its writer lives, and the lock goes with the writer, however it ends: so
 * one that can be locked is a leftover, and is removed, as it may hold secrets. Between making and
 * locking it the writer may lose it to somebody who takes it for one; it sees that, and makes
 * another. Where files cannot be locked leftovers stay.
 *
 * Any thread that may block; no state.
 */
#include "base/replace_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"

#define DRAWN ".XXXXXX"
#define ENDING ".tmp"
#define TRIES 8u

static int32_t failed(struct eg_why *ret_why) {
    return gw_why(ret_why, errno == ENOENT ? EG_E_NOTFOUND : EG_E_IO, "cannot be written: %s",
                  strerror(errno));
}

/* ---- leftovers ---- */

static bool is_temporary(struct eg_str name, struct eg_str of) {
    const size_t drawn = sizeof DRAWN - 1;
    const size_t ending = sizeof ENDING - 1;
    if (name.len != of.len + drawn + ending || !gw_str_starts(name, of) ||
        name.ptr[of.len] != '.') {
        return false;
    }
    return gw_str_eq(gw_str_cut(name, of.len + drawn), GW_STR(ENDING));
}

/* A link or a FIFO of that name is not ours. */
static void remove_if_left(int directory, const char *name) {
    struct stat facts;
    const int fd =
        openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_uid == geteuid() &&
        flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)unlinkat(directory, name, 0);
    }
    (void)close(fd);
}

static void remove_leftovers(const char *directory, struct eg_str name) {
    const struct dirent *entry = NULL;
    DIR *stream = opendir(directory);
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        if (is_temporary(gw_str_c(entry->d_name), name)) {
            remove_if_left(dirfd(stream), entry->d_name);
        }
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
}

/* ---- writing ---- */

/* Nobody has taken it for a leftover, and from now on nobody will. */
static bool keep(int fd) {
    struct stat facts;
    const bool is_lost = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    return !is_lost && fstat(fd, &facts) == 0 && facts.st_nlink > 0;
}

/* Made with mode 0600. template ends with DRAWN and ENDING; it becomes the name. */
static int make_temporary(struct gw_bytes *template, const char *path) {
    for (unsigned i = 0; i < TRIES; i++) {
        gw_bytes_clear(template);
        gw_bytes_addf(template, "%s" DRAWN ENDING, path);
        gw_bytes_add_char(template, '\0');
        const int fd = mkostemps(template->ptr, sizeof ENDING - 1, O_CLOEXEC);
        if (fd < 0 || keep(fd)) {
            return fd;
        }
        (void)unlink(template->ptr);
        (void)close(fd);
    }
    errno = EBUSY;
    return -1;
}

static int32_t write_all(int fd, struct eg_str text, struct eg_why *ret_why) {
    while (text.len > 0) {
        const ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR) {
            return failed(ret_why);
        }
        text = gw_str_cut(text, n < 0 ? 0 : (size_t)n);
    }
    return fsync(fd) < 0 ? failed(ret_why) : EG_OK;
}

static void flush_directory(const char *directory) {
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* not all file systems can; the content is safe in any case */
        (void)close(fd);
    }
}

/* The lock is held until the name is taken. */
static int32_t replace(const char *path, struct eg_str text, struct eg_why *ret_why) {
    struct gw_bytes name;
    gw_bytes_init(&name, 0);
    const int fd = make_temporary(&name, path);
    int32_t rc = fd < 0 ? failed(ret_why) : write_all(fd, text, ret_why);
    if (rc == EG_OK && rename(name.ptr, path) < 0) {
        rc = failed(ret_why);
    }
    if (fd >= 0 && rc < 0) {
        (void)unlink(name.ptr);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    gw_bytes_free(&name);
    return rc;
}

int32_t gw_replace_file(const char *path, struct eg_str text, struct eg_why *ret_why) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char *directory =
        gw_dup_cstr(slash == NULL ? GW_STR(".") : gw_str(path, (size_t)(name - path)));
    remove_leftovers(directory, gw_str_c(name));
    const int32_t rc = replace(path, text, ret_why);
    if (rc == EG_OK) {
        flush_directory(directory);
    }
    gw_free(directory);
    return rc;
}
