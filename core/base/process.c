/*
 * base/process.c - what the kernel knows about this process, under the names that Prometheus client
 * libraries use. Read from /proc when asked; what cannot be read is left out. Any thread.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/metrics_inner.h"
#include "base/slice.h"

/* The head of a small file; empty when it cannot be read. */
static struct eg_str read_head(const char *path, char *buffer, size_t size) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return gw_str(buffer, 0);
    }
    const ssize_t got = read(fd, buffer, size);
    close(fd);
    return gw_str(buffer, got > 0 ? (size_t)got : 0);
}

/* /proc/self/stat: the fields after the command, which stands in brackets and may hold anything.
 * n counts as proc(5) does. */
static bool stat_field(struct eg_str stat, unsigned n, uint64_t *ret_value) {
    size_t bracket = stat.len;
    while (bracket > 0 && stat.ptr[bracket - 1] != ')') {
        bracket--;
    }
    struct eg_str rest = gw_str_cut(stat, bracket + 1);
    struct eg_str field = {0};
    for (unsigned at = 3; at <= n; at++) {
        if (bracket == 0 || !gw_str_next(&rest, ' ', &field)) {
            return false;
        }
    }
    return gw_str_u64(field, ret_value) == EG_OK;
}

static bool read_stat(unsigned n, double *ret_value) {
    char text[1024];
    uint64_t value = 0;
    if (!stat_field(read_head("/proc/self/stat", text, sizeof text), n, &value)) {
        return false;
    }
    *ret_value = (double)value;
    return true;
}

static bool read_cpu(double *ret_value) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return false;
    }
    const long seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
    const long micros = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    *ret_value = (double)seconds + (double)micros / 1e6;
    return true;
}

static bool read_max_fds(double *ret_value) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    *ret_value = (double)limit.rlim_cur;
    return true;
}

static bool read_open_fds(double *ret_value) {
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) {
        return false;
    }
    double count = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    *ret_value = count - 1; /* without the one that counted */
    return true;
}

static bool read_resident(double *ret_value) {
    const bool is_read = read_stat(24, ret_value);
    *ret_value *= (double)sysconf(_SC_PAGESIZE);
    return is_read;
}

static bool read_virtual(double *ret_value) {
    return read_stat(23, ret_value);
}

/* When the machine started, in seconds since 1970. */
static bool read_boot(double *ret_value) {
    char line[256];
    bool is_read = false;
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) {
        return false;
    }
    while (!is_read && fgets(line, sizeof line, file) != NULL) {
        const struct eg_str text = gw_str_trim(gw_str_c(line));
        uint64_t seconds = 0;
        if (gw_str_starts(text, GW_STR("btime ")) &&
            gw_str_u64(gw_str_cut(text, 6), &seconds) == EG_OK) {
            *ret_value = (double)seconds;
            is_read = true;
        }
    }
    fclose(file);
    return is_read;
}

static bool read_start(double *ret_value) {
    double boot = 0;
    double ticks = 0;
    if (!read_boot(&boot) || !read_stat(22, &ticks)) {
        return false;
    }
    *ret_value = boot + ticks / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static const struct {
    const char *name;
    const char *help;
    const char *type;
    bool (*read)(double *ret_value);
} rows[GW_PROCESS_VALUES] = {
    {"process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", "counter",
     read_cpu},
    {"process_max_fds", "Maximum number of open file descriptors.", "gauge", read_max_fds},
    {"process_open_fds", "Number of open file descriptors.", "gauge", read_open_fds},
    {"process_resident_memory_bytes", "Resident memory size in bytes.", "gauge", read_resident},
    {"process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
     "gauge", read_start},
    {"process_virtual_memory_bytes", "Virtual memory size in bytes.", "gauge", read_virtual},
};

size_t gw_process_read(struct gw_process_value values[GW_PROCESS_VALUES]) {
    size_t count = 0;
    for (size_t i = 0; i < GW_PROCESS_VALUES; i++) {
        double value = 0;
        if (rows[i].read(&value)) {
            values[count++] = (struct gw_process_value){
                .name = rows[i].name, .help = rows[i].help, .type = rows[i].type, .value = value};
        }
    }
    return count;
}
