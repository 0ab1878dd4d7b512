/*
 * test_embedded_files.c - the embedded store and its file: made with the right modes, refused with
 * a sentence when it is damaged, foreign or too new, and never overwritten then; a full disk is
 * told and loses nothing.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "kit.h"

#define USER_VERSION_AT 60 /* in the header of an SQLite file, big-endian */
#define APPLICATION_ID_AT 68
#define FILE_MAX_BYTES 262144

static char file_path[300];
static unsigned char bytes_before[FILE_MAX_BYTES];
static unsigned char bytes_after[FILE_MAX_BYTES];

static size_t read_file(unsigned char *out) {
    FILE *file = fopen(file_path, "rb");
    if (file == NULL) {
        kit_fail("the file cannot be read");
    }
    const size_t len = fread(out, 1, FILE_MAX_BYTES, file);
    (void)fclose(file);
    return len;
}

static void write_file(const unsigned char *bytes, size_t len) {
    FILE *file = fopen(file_path, "wb");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
        kit_fail("the file cannot be written");
    }
}

/* A store with something in it, closed. Returns the size of its file. */
static size_t make_store(void) {
    char key[16];
    kit_begin();
    (void)snprintf(file_path, sizeof file_path, "%s/event-gateway.db", kit.directory);
    kit_open();
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(key, sizeof key, "key%u", i);
        (void)kit_put(key, "some value that fills the pages of the file", EG_REV_ANY, NULL);
    }
    kit_close();
    return read_file(bytes_before);
}

/* Opening has to fail with the text, and to leave the file as it is. */
static void check_refused(const char *text) {
    const size_t before = read_file(bytes_before);
    CU_ASSERT_TRUE(kit_try_open() < 0);
    if (strstr(kit.why, text) == NULL || strstr(kit.why, file_path) == NULL) {
        printf("  got \"%s\"\n", kit.why);
        CU_FAIL("the sentence does not name the reason and the file");
    }
    kit_close();
    const size_t after = read_file(bytes_after);
    CU_ASSERT_EQUAL(before, after);
    CU_ASSERT_EQUAL(memcmp(bytes_before, bytes_after, before), 0);
}

static void directory_and_file_are_made_for_us_alone(void) {
    struct stat status;
    char base[256];
    kit_begin();
    (void)snprintf(base, sizeof base, "%s", kit.directory);
    (void)snprintf(kit.directory, sizeof kit.directory, "%.200s/made/deeper", base);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(stat(kit.directory, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 0777, 0700);
    (void)snprintf(file_path, sizeof file_path, "%s/event-gateway.db", kit.directory);
    CU_ASSERT_EQUAL(stat(file_path, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 0777, 0600);
    (void)snprintf(file_path, sizeof file_path, "%s/event-gateway.db-wal", kit.directory);
    CU_ASSERT_EQUAL(stat(file_path, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 0777, 0600);
    kit_close();
    kit_end();
    (void)snprintf(kit.directory, sizeof kit.directory, "%.200s/made", base);
    kit_end();
    (void)snprintf(kit.directory, sizeof kit.directory, "%s", base);
    kit_end();
}

static void the_path_may_be_the_file(void) {
    struct stat status;
    char base[256];
    kit_begin();
    (void)snprintf(base, sizeof base, "%s", kit.directory);
    (void)snprintf(kit.directory, sizeof kit.directory, "%.200s/mine.db", base);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    kit_close();
    CU_ASSERT_EQUAL(stat(kit.directory, &status), 0);
    CU_ASSERT_TRUE(S_ISREG(status.st_mode));
    (void)snprintf(kit.directory, sizeof kit.directory, "%s", base);
    kit_end();
}

static void a_directory_that_cannot_be_is_told(void) {
    char base[256];
    kit_begin();
    (void)snprintf(base, sizeof base, "%s", kit.directory);
    (void)snprintf(kit.directory, sizeof kit.directory, "/dev/null/data");
    CU_ASSERT_TRUE(kit_try_open() < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "/dev/null"));
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "irectory"));
    kit_close();
    (void)snprintf(kit.directory, sizeof kit.directory, "/dev/full");
    CU_ASSERT_TRUE(kit_try_open() < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "/dev"));
    kit_close();
    (void)snprintf(kit.directory, sizeof kit.directory, "%s", base);
    kit_end();
}

static void a_directory_that_is_not_writable_is_told(void) {
    if (geteuid() == 0) {
        printf("  skipped: root may write everywhere\n");
        return;
    }
    kit_begin();
    CU_ASSERT_EQUAL(chmod(kit.directory, 0500), 0);
    CU_ASSERT_TRUE(kit_try_open() < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "is not writable"));
    kit_close();
    CU_ASSERT_EQUAL(chmod(kit.directory, 0700), 0);
    kit_end();
}

static void what_is_no_database_is_refused(void) {
    (void)make_store();
    memset(bytes_before, 'x', 5000);
    write_file(bytes_before, 5000);
    check_refused("file is not a database");
    kit_end();
}

static void the_database_of_another_program_is_refused(void) {
    const size_t len = make_store();
    memcpy(bytes_before + APPLICATION_ID_AT, "\1\2\3\4", 4);
    write_file(bytes_before, len);
    check_refused("another program");
    kit_end();
}

static void run_sql(const char *sql) {
    sqlite3 *sqlite = NULL;
    if (sqlite3_open_v2(file_path, &sqlite, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_close(sqlite) != SQLITE_OK) {
        kit_fail(sqlite3_errmsg(sqlite));
    }
}

/* What a gateway before schema version 2 has left. */
static void the_database_of_an_earlier_version_is_brought_up_to_date(void) {
    uint64_t revision = 0;
    (void)make_store();
    run_sql("ALTER TABLE entry DROP COLUMN created; ALTER TABLE change DROP COLUMN created;"
            "PRAGMA user_version = 1");
    kit_open();
    CU_ASSERT_STRING_EQUAL(kit_get("key7", &revision),
                           "some value that fills the pages of the file");
    CU_ASSERT_EQUAL(kit_put("key7", "new", revision, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("more", "new", EG_REV_ABSENT, NULL), EG_OK);
    kit_close();
    kit_open(); /* once is enough */
    CU_ASSERT_STRING_EQUAL(kit_get("key7", NULL), "new");
    kit_close();
    CU_ASSERT_EQUAL(read_file(bytes_after) > 0, 1);
    CU_ASSERT_EQUAL(bytes_after[USER_VERSION_AT + 3], 2);
    kit_end();
}

static void the_database_of_a_later_version_is_refused(void) {
    const size_t len = make_store();
    bytes_before[USER_VERSION_AT + 3] = 9;
    write_file(bytes_before, len);
    check_refused("schema version 9 of a later event gateway");
    kit_end();
}

static void damaged_pages_are_found_at_the_start(void) {
    const size_t len = make_store();
    memset(bytes_before + 8192, 0xaa, len - 8192 - 4096);
    write_file(bytes_before, len);
    check_refused("da"); /* "damaged", "database disk image is malformed" */
    kit_end();
}

static void a_file_that_was_cut_off_is_refused(void) {
    const size_t len = make_store();
    write_file(bytes_before, len / 4096 / 2 * 4096);
    check_refused("da");
    kit_end();
}

static void an_empty_file_is_a_new_store(void) {
    (void)make_store();
    write_file(bytes_before, 0);
    kit_open();
    CU_ASSERT_STRING_EQUAL(kit_list(""), "");
    kit_close();
    kit_end();
}

static void a_full_disk_is_told_and_loses_nothing(void) {
    static char value[100000];
    struct rlimit former;
    struct answer answer;
    char key[16];
    unsigned written = 0;
    (void)make_store();
    kit_open();
    memset(value, 'v', sizeof value);
    (void)signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &former), 0);
    const struct rlimit small = {.rlim_cur = 1000000, .rlim_max = former.rlim_max};
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int32_t rc = EG_OK; rc == EG_OK && written < 50; written += rc == EG_OK) {
        (void)snprintf(key, sizeof key, "full%u", written);
        kit_send_put(&answer, gw_str_c(key), gw_str(value, sizeof value), EG_REV_ANY);
        kit_wait(&answer);
        rc = answer.status;
        if (rc != EG_OK) {
            CU_ASSERT_EQUAL(rc, EG_E_IO);
            CU_ASSERT_TRUE(answer.message.len > 0);
        }
        kit_drop(&answer);
    }
    CU_ASSERT_TRUE(written > 0 && written < 50);
    CU_ASSERT_PTR_NOT_NULL(kit_get("key7", NULL)); /* reads go on */
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &former), 0);
    CU_ASSERT_EQUAL(kit_put("later", "v", EG_REV_ANY, NULL), EG_OK);
    kit_close();
    kit_open();
    for (unsigned i = 0; i < written; i++) {
        (void)snprintf(key, sizeof key, "full%u", i);
        CU_ASSERT_PTR_NOT_NULL(kit_get(key, NULL));
    }
    CU_ASSERT_PTR_NOT_NULL(kit_get("later", NULL));
    kit_close();
    kit_end();
}

/* A child that holds SQLite's write lock: byte 120 of the -shm file
 * (https://www.sqlite.org/walformat.html, 2.3.1 WAL Locks) until its pipe ends. */
static pid_t hold_write_lock(int *ret_pipe) {
    int ready[2];
    int until[2];
    char byte = 0;
    (void)snprintf(file_path, sizeof file_path, "%s/event-gateway.db-shm", kit.directory);
    if (pipe(ready) != 0 || pipe(until) != 0) {
        kit_fail("no pipe");
    }
    const pid_t pid = fork();
    if (pid == 0) { /* threads are gone: system calls only */
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1};
        const int fd = open(file_path, O_RDWR | O_CLOEXEC);
        (void)close(until[1]);
        if (fcntl(fd, F_SETLKW, &lock) == 0 && write(ready[1], "x", 1) == 1) {
            (void)!read(until[0], &byte, 1);
        }
        _exit(0);
    }
    (void)close(until[0]);
    (void)close(ready[1]);
    if (pid < 0 || read(ready[0], &byte, 1) != 1) {
        kit_fail("no lock");
    }
    (void)close(ready[0]);
    *ret_pipe = until[1];
    return pid;
}

static void while_another_process_writes_reads_go_on_and_writes_give_up_together(void) {
    struct answer puts[20];
    struct answer get;
    int until = -1;
    (void)make_store();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("key0", "before", EG_REV_ANY, NULL), EG_OK);
    const pid_t child = hold_write_lock(&until);
    const uint64_t begun_ns = kit_now_ns();
    for (size_t i = 0; i < 20; i++) {
        kit_send_put(&puts[i], GW_STR("key0"), GW_STR("after"), EG_REV_ANY);
    }
    kit_send_get(&get, GW_STR("key0"));
    for (size_t i = 0; i < 20; i++) {
        kit_wait(&puts[i]);
        CU_ASSERT_EQUAL(puts[i].status, EG_E_BUSY);
        ASSERT_STR(gw_bytes_str(&puts[i].message), "database is locked");
        kit_drop(&puts[i]);
    }
    kit_wait(&get);
    CU_ASSERT_EQUAL(get.status, EG_OK);
    ASSERT_STR(gw_bytes_str(&get.body), "before");
    kit_drop(&get);
    CU_ASSERT_TRUE(kit_now_ns() - begun_ns < 4000000000u); /* 20 waits would be 10 s */
    (void)close(until);
    (void)waitpid(child, NULL, 0);
    CU_ASSERT_EQUAL(kit_put("key0", "after", EG_REV_ANY, NULL), EG_OK);
    kit_close();
    kit_end();
}

static const struct unit_case cases[] = {
    UNIT(while_another_process_writes_reads_go_on_and_writes_give_up_together),
    UNIT(directory_and_file_are_made_for_us_alone),
    UNIT(the_path_may_be_the_file),
    UNIT(a_directory_that_cannot_be_is_told),
    UNIT(a_directory_that_is_not_writable_is_told),
    UNIT(what_is_no_database_is_refused),
    UNIT(the_database_of_another_program_is_refused),
    UNIT(the_database_of_an_earlier_version_is_brought_up_to_date),
    UNIT(the_database_of_a_later_version_is_refused),
    UNIT(damaged_pages_are_found_at_the_start),
    UNIT(a_file_that_was_cut_off_is_refused),
    UNIT(an_empty_file_is_a_new_store),
    UNIT(a_full_disk_is_told_and_loses_nothing),
};

int main(void) {
    gw_log_setup(EG_LOG_ERROR, GW_LOG_TEXT);
    kit.driver = driver_find("embedded");
    return unit_run("contract_storage_files", cases, sizeof cases / sizeof cases[0]);
}
