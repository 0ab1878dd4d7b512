/*
 * files.c - see files.h. The configuration holds secrets in clear, so nothing here is made readable
 * for others, and what somebody else made readable is told in the log.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_in_db(struct eg_str path) {
    return path.len >= 3 && memcmp(path.ptr + path.len - 3, ".db", 3) == 0;
}

static int32_t choose_file(struct eg_str path, char ret_file[PATH_MAX], struct eg_why *ret_why) {
    char name[PATH_MAX];
    struct stat status;
    if (path.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "the embedded store needs a path");
    }
    if (path.len + sizeof EMBEDDED_FILE + 1 >= PATH_MAX || memchr(path.ptr, 0, path.len) != NULL) {
        return egx_why(ret_why, EG_E_INVAL, "the path of the embedded store is no path");
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)path.len, path.ptr);
    const bool is_directory =
        stat(name, &status) == 0 ? S_ISDIR(status.st_mode) : !ends_in_db(path);
    (void)snprintf(ret_file, PATH_MAX, "%.*s%s", (int)path.len, path.ptr,
                   is_directory ? "/" EMBEDDED_FILE : "");
    return EG_OK;
}

/* All directories on the way to the file. */
static int32_t make_directories(const char *file, struct eg_why *ret_why) {
    char directory[PATH_MAX];
    const size_t len = strlen(file);
    for (size_t i = 1; i < len; i++) {
        if (file[i] != '/' || file[i - 1] == '/') {
            continue;
        }
        memcpy(directory, file, i);
        directory[i] = '\0';
        if (mkdir(directory, 0700) != 0 && errno != EEXIST && access(directory, F_OK) != 0) {
            return egx_why(ret_why, EG_E_IO, "cannot create the directory %s: %s", directory,
                           strerror(errno));
        }
    }
    return EG_OK;
}

/* WAL needs its companions beside the file. */
static int32_t check_directory(const char *file, struct eg_why *ret_why) {
    char directory[PATH_MAX] = ".";
    struct stat status;
    const char *slash = strrchr(file, '/');
    if (slash != NULL) {
        const size_t len = slash == file ? 1 : (size_t)(slash - file);
        memcpy(directory, file, len);
        directory[len] = '\0';
    }
    if (stat(directory, &status) != 0) {
        return egx_why(ret_why, EG_E_IO, "cannot use the directory %s: %s", directory,
                       strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return egx_why(ret_why, EG_E_IO, "%s is no directory", directory);
    }
    if (access(directory, W_OK | X_OK) != 0) {
        return egx_why(ret_why, EG_E_IO, "the directory %s is not writable: %s", directory,
                       strerror(errno));
    }
    return EG_OK;
}

static void warn_readable(const struct eg_host *host, const char *file) {
    struct stat status;
    if (stat(file, &status) != 0 || (status.st_mode & 077) == 0) {
        return;
    }
    egx_log(host, EG_LOG_WARN, "%s holds secrets and can be read by other users", file);
}

/*
 * The file is only made here, never opened when it exists: closing a descriptor would drop the
 * POSIX locks that another connection of this process holds on it (fcntl(2)).
 */
static int32_t make_file(const char *file, struct eg_why *ret_why) {
    const int fd = open(file, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        (void)close(fd);
        return EG_OK;
    }
    if (errno != EEXIST) {
        return egx_why(ret_why, EG_E_IO, "cannot create %s: %s", file, strerror(errno));
    }
    struct stat status;
    if (stat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        return egx_why(ret_why, EG_E_IO, "%s is no regular file", file);
    }
    if (access(file, R_OK | W_OK) != 0) {
        return egx_why(ret_why, EG_E_IO, "%s is not writable: %s", file, strerror(errno));
    }
    return EG_OK;
}

int32_t embedded_files_prepare(const struct eg_host *host, struct eg_str path,
                               char ret_file[PATH_MAX], struct eg_why *ret_why) {
    int32_t rc = choose_file(path, ret_file, ret_why);
    if (rc == EG_OK) {
        rc = make_directories(ret_file, ret_why);
    }
    if (rc == EG_OK) {
        rc = check_directory(ret_file, ret_why);
    }
    if (rc == EG_OK) {
        rc = make_file(ret_file, ret_why);
    }
    if (rc == EG_OK) {
        warn_readable(host, ret_file);
    }
    return rc;
}
