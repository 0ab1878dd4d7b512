/*
 * state/copy_file.c - see copy_file.h. What lies in the file is routed when the store is away, and
 * holds the credentials of functions: so it has to be ours alone.
 *
 * Thread: any that may block; no state.
 */
#include "state/copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/replace_file.h"
#include "base/why.h"
#include "state/copy_format.h"

static int32_t failed(struct eg_why *ret_why) {
    return gw_why(ret_why, errno == ENOENT ? EG_E_NOTFOUND : EG_E_IO, "cannot be read: %s",
                  strerror(errno));
}

/* ---- reading ---- */

static int32_t check_file(int fd, size_t *ret_size, struct eg_why *ret_why) {
    struct stat facts;
    if (fstat(fd, &facts) < 0) {
        return failed(ret_why);
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
            return failed(ret_why);
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
        return failed(ret_why);
    }
    int32_t rc = check_file(fd, &size, ret_why);
    if (rc == EG_OK) {
        rc = read_all(fd, size, ret_text, ret_why);
    }
    (void)close(fd);
    return rc;
}

/* ---- writing ---- */

int32_t gw_copy_file_write(const char *path, struct eg_str text, struct eg_why *ret_why) {
    return gw_replace_file(path, text, ret_why);
}
