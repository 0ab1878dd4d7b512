/*
 * state/copy_file.c - see copy_file.h. What lies in the file is routed when the store is away, and
 * holds the credentials of functions: so it has to be ours alone.
 *
 * Replacing: a temporary file beside it, flushed to the disk, takes its name (rename(2) is atomic);
 * then the directory is flushed, so that the name is on the disk too.
 *
 * Thread: any that may block; no state.
 */
#include "state/copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "state/copy_format.h"

static int32_t failed(struct eg_why *ret_why, const char *what) {
    return gw_why(ret_why, errno == ENOENT ? EG_E_NOTFOUND : EG_E_IO, "cannot be %s: %s", what,
                  strerror(errno));
}

/* ---- reading ---- */

static int32_t check_file(int fd, size_t *ret_size, struct eg_why *ret_why) {
    struct stat facts;
    if (fstat(fd, &facts) < 0) {
        return failed(ret_why, "read");
    }
    if (!S_ISREG(facts.st_mode)) {
        return gw_why(ret_why, EG_E_DENIED, "is not a regular file");
    }
    if (facts.st_uid != geteuid() && facts.st_uid != 0) {
        return gw_why(ret_why, EG_E_DENIED, "belongs to another user");
    }
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return gw_why(ret_why, EG_E_DENIED, "can be written by others (mode %04o)",
                      (unsigned)facts.st_mode & 07777u);
    }
    if (facts.st_size < 0 || (uint64_t)facts.st_size > GW_COPY_MAX_BYTES) {
        return gw_why(ret_why, EG_E_TOOBIG, "is bigger than %zu MiB",
                      GW_COPY_MAX_BYTES / 1024 / 1024);
    }
    *ret_size = (size_t)facts.st_size;
    return EG_OK;
}

/* No more than it had when it was looked at. */
static int32_t read_all(int fd, size_t size, struct gw_bytes *out, struct eg_why *ret_why) {
    while (out->len < size) {
        const size_t left = size - out->len;
        char *to = gw_bytes_grow(out, left);
        const ssize_t n = to == NULL ? 0 : read(fd, to, left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return failed(ret_why, "read");
        }
        if (n == 0) {
            return EG_OK;
        }
        out->len += (size_t)n;
    }
    return EG_OK;
}

int32_t gw_copy_file_read(const char *path, struct gw_bytes *ret_text, struct eg_why *ret_why) {
    size_t size = 0;
    /* Without O_NONBLOCK a FIFO would be waited for. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return failed(ret_why, "read");
    }
    int32_t rc = check_file(fd, &size, ret_why);
    if (rc == EG_OK) {
        rc = read_all(fd, size, ret_text, ret_why);
    }
    (void)close(fd);
    return rc;
}

/* ---- writing ---- */

static int32_t write_all(int fd, struct eg_str text, struct eg_why *ret_why) {
    while (text.len > 0) {
        const ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR) {
            return failed(ret_why, "written");
        }
        text = gw_str_cut(text, n < 0 ? 0 : (size_t)n);
    }
    return fsync(fd) < 0 ? failed(ret_why, "written") : EG_OK;
}

/* A name that is left over from a process that was killed is taken again. */
static int32_t write_new(const char *path, struct eg_str text, struct eg_why *ret_why) {
    (void)unlink(path);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed(ret_why, "written");
    }
    int32_t rc = write_all(fd, text, ret_why);
    if (close(fd) < 0 && rc == EG_OK) {
        rc = failed(ret_why, "written");
    }
    return rc;
}

static void flush_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    char *directory =
        gw_dup_cstr(slash == NULL ? GW_STR(".") : gw_str(path, (size_t)(slash - path) + 1));
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* not all file systems can; the content is safe in any case */
        (void)close(fd);
    }
    gw_free(directory);
}

int32_t gw_copy_file_write(const char *path, struct eg_str text, struct eg_why *ret_why) {
    struct gw_bytes name;
    gw_bytes_init(&name, 0);
    /* Two gateways that were given the same file by mistake do not write into each other's. */
    gw_bytes_addf(&name, "%s.%ld.tmp", path, (long)getpid());
    gw_bytes_add_char(&name, '\0');
    int32_t rc = write_new(name.ptr, text, ret_why);
    if (rc == EG_OK && rename(name.ptr, path) < 0) {
        rc = failed(ret_why, "written");
    }
    if (rc == EG_OK) {
        flush_directory(path);
    } else {
        (void)unlink(name.ptr);
    }
    gw_bytes_free(&name);
    return rc;
}
