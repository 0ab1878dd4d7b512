/* Replacing a file in one step, and what killed writers leave. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/replace_file.h"
#include "base/slice.h"
#include "base/why.h"
#include "unit.h"

static char directory[64];
static char file[96];
static char beside[128]; /* the last that was made beside it */
static struct eg_why why;

static void begin(void) {
    (void)snprintf(directory, sizeof directory, "/tmp/replace-file-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
    (void)snprintf(file, sizeof file, "%s/copy", directory);
    why = (struct eg_why){.struct_size = sizeof why};
}

static void end(void) {
    (void)unlink(file);
    CU_ASSERT_EQUAL(rmdir(directory), 0); /* nothing else was left there */
}

static int32_t put(const char *text) {
    return gw_replace_file(file, gw_str_c(text), &why);
}

static void expect(const char *path, const char *text) {
    char got[64] = "";
    FILE *stream = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    const size_t len = fread(got, 1, sizeof got - 1, stream);
    (void)fclose(stream);
    CU_ASSERT_EQUAL(len, strlen(text));
    CU_ASSERT_STRING_EQUAL(got, text);
}

/* Open, so that the caller may lock it. */
static FILE *make_beside(const char *name) {
    (void)snprintf(beside, sizeof beside, "%s/%s", directory, name);
    FILE *stream = fopen(beside, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    (void)fputs("secret", stream);
    (void)fflush(stream);
    return stream;
}

static bool is_there(void) {
    struct stat facts;
    return lstat(beside, &facts) == 0;
}

static void a_file_is_replaced_whole_and_is_for_its_owner_only(void) {
    struct stat facts;
    begin();
    CU_ASSERT_EQUAL(put("a long first text"), EG_OK);
    expect(file, "a long first text");
    CU_ASSERT_EQUAL(chmod(file, 0644), 0);
    CU_ASSERT_EQUAL(put("short"), EG_OK);
    expect(file, "short");
    CU_ASSERT_EQUAL(stat(file, &facts), 0);
    CU_ASSERT_EQUAL(facts.st_mode & 07777, 0600);
    CU_ASSERT_EQUAL(put(""), EG_OK);
    expect(file, "");
    end();
}

static void a_name_without_a_directory_is_one_of_the_working_directory(void) {
    char before[4096];
    begin();
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof before));
    CU_ASSERT_EQUAL_FATAL(chdir(directory), 0);
    (void)fclose(make_beside("copy.aaaaaa.tmp"));
    CU_ASSERT_EQUAL(gw_replace_file("copy", GW_STR("text"), &why), EG_OK);
    CU_ASSERT_EQUAL_FATAL(chdir(before), 0);
    expect(file, "text");
    CU_ASSERT_FALSE(is_there());
    end();
}

/* A child that is killed with its temporary file in hand. */
static void what_a_killed_writer_left_is_removed(void) {
    begin();
    int pipes[2];
    CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
    const pid_t child = fork();
    if (child == 0) {
        FILE *stream = make_beside("copy.aZ09bc.tmp");
        (void)flock(fileno(stream), LOCK_EX);
        (void)!write(pipes[1], "x", 1);
        for (;;) {
            (void)pause();
        }
    }
    char word = 0;
    CU_ASSERT_EQUAL(read(pipes[0], &word, 1), 1);
    (void)snprintf(beside, sizeof beside, "%s/copy.aZ09bc.tmp", directory);
    CU_ASSERT_EQUAL(put("first"), EG_OK);
    CU_ASSERT_TRUE(is_there()); /* its writer lives */
    CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    CU_ASSERT_EQUAL(put("second"), EG_OK);
    CU_ASSERT_FALSE(is_there());
    expect(file, "second");
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    end();
}

static void files_of_other_names_are_left_alone(void) {
    static const char *const names[] = {
        "copy.tmp",         "copy.abcdef",          "copy.abcdefg.tmp",   "copy2.abcdef.tmp",
        "other.abcdef.tmp", "copy.abcdef.tmp.keep", "copyXabcdef123.tmp", "copy.abcdef.txt"};
    begin();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)fclose(make_beside(names[i]));
        CU_ASSERT_EQUAL(put("text"), EG_OK);
        CU_ASSERT_TRUE(is_there());
        (void)unlink(beside);
    }
    end();
}

static void links_and_pipes_of_such_a_name_are_left_alone(void) {
    char target[128];
    begin();
    (void)fclose(make_beside("target"));
    (void)snprintf(target, sizeof target, "%s", beside);
    (void)snprintf(beside, sizeof beside, "%s/copy.abcdef.tmp", directory);
    CU_ASSERT_EQUAL(symlink(target, beside), 0);
    CU_ASSERT_EQUAL(put("text"), EG_OK);
    CU_ASSERT_TRUE(is_there());
    expect(target, "secret");
    CU_ASSERT_EQUAL(unlink(beside), 0);
    CU_ASSERT_EQUAL(mkfifo(beside, 0600), 0);
    CU_ASSERT_EQUAL(put("text"), EG_OK); /* and is not waited for */
    CU_ASSERT_TRUE(is_there());
    CU_ASSERT_EQUAL(unlink(beside), 0);
    CU_ASSERT_EQUAL(unlink(target), 0);
    end();
}

/* Each removes what it takes for leftovers of the other. */
static void two_writers_at_once_both_succeed(void) {
    begin();
    const pid_t child = fork();
    unsigned failures = 0;
    for (unsigned i = 0; i < 200; i++) {
        failures += put(child == 0 ? "of the child" : "of the parent") != EG_OK;
    }
    if (child == 0) {
        _exit(failures == 0 ? 0 : 1);
    }
    int status = 0;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(failures, 0);
    end();
}

static void what_cannot_be_written_keeps_the_former_content(void) {
    char where[128];
    begin();
    CU_ASSERT_EQUAL(put("former"), EG_OK);
    (void)snprintf(where, sizeof where, "%s/nosuch/copy", directory);
    CU_ASSERT_EQUAL(gw_replace_file(where, GW_STR("x"), &why), EG_E_NOTFOUND);
    ASSERT_STR(gw_why_str(&why), "cannot be written: No such file or directory");
    CU_ASSERT_EQUAL(gw_replace_file(directory, GW_STR("x"), &why), EG_E_IO);
    ASSERT_STR(gw_why_str(&why), "cannot be written: Is a directory");
    expect(file, "former");
    end();
}

UNIT_MAIN(UNIT(a_file_is_replaced_whole_and_is_for_its_owner_only),
          UNIT(a_name_without_a_directory_is_one_of_the_working_directory),
          UNIT(what_a_killed_writer_left_is_removed), UNIT(files_of_other_names_are_left_alone),
          UNIT(links_and_pipes_of_such_a_name_are_left_alone),
          UNIT(two_writers_at_once_both_succeed),
          UNIT(what_cannot_be_written_keeps_the_former_content))
