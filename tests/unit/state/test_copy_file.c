/* Reading and replacing the file of the cached copy. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "base/why.h"
#include "state/copy_file.h"
#include "state/copy_format.h"
#include "unit.h"

static char directory[64];
static char file[96];
static struct eg_why why;

static void begin(void) {
    (void)snprintf(directory, sizeof directory, "/tmp/copy-file-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
    (void)snprintf(file, sizeof file, "%s/copy", directory);
    why = (struct eg_why){.struct_size = sizeof why};
}

static void end(void) {
    (void)unlink(file);
    CU_ASSERT_EQUAL(rmdir(directory), 0); /* nothing else was left there */
}

static int32_t put(const char *text) {
    return gw_copy_file_write(file, gw_str_c(text), &why);
}

static void expect(const char *text) {
    struct gw_bytes got;
    gw_bytes_init(&got, 0);
    CU_ASSERT_EQUAL(gw_copy_file_read(file, &got, &why), EG_OK);
    ASSERT_STR(gw_bytes_str(&got), text);
    gw_bytes_free(&got);
}

static void refuses(int32_t status, const char *reason) {
    struct gw_bytes got;
    gw_bytes_init(&got, 0);
    CU_ASSERT_EQUAL(gw_copy_file_read(file, &got, &why), status);
    CU_ASSERT_EQUAL(got.len, 0);
    ASSERT_STR(gw_why_str(&why), reason);
    gw_bytes_free(&got);
}

static void a_file_is_replaced_whole_and_is_for_its_owner_only(void) {
    struct stat facts;
    begin();
    CU_ASSERT_EQUAL(put("a long first text"), EG_OK);
    expect("a long first text");
    CU_ASSERT_EQUAL(put("short"), EG_OK);
    expect("short");
    CU_ASSERT_EQUAL(put(""), EG_OK);
    expect("");
    CU_ASSERT_EQUAL(stat(file, &facts), 0);
    CU_ASSERT_EQUAL(facts.st_mode & 07777, 0600);
    end();
}

static void what_cannot_be_written_keeps_the_former_content(void) {
    begin();
    CU_ASSERT_EQUAL(put("former"), EG_OK);
    char where[128];
    (void)snprintf(where, sizeof where, "%s/nosuch/copy", directory);
    CU_ASSERT_EQUAL(gw_copy_file_write(where, GW_STR("x"), &why), EG_E_NOTFOUND);
    ASSERT_STR(gw_why_str(&why), "cannot be written: No such file or directory");
    CU_ASSERT_EQUAL(gw_copy_file_write(directory, GW_STR("x"), &why), EG_E_IO);
    ASSERT_STR(gw_why_str(&why), "cannot be written: Is a directory");
    expect("former");
    end();
}

static void a_file_that_is_not_there_says_so(void) {
    begin();
    refuses(EG_E_NOTFOUND, "cannot be read: No such file or directory");
    end();
}

static void a_file_that_others_can_write_is_not_believed(void) {
    begin();
    CU_ASSERT_EQUAL(put("text"), EG_OK);
    CU_ASSERT_EQUAL(chmod(file, 0646), 0);
    refuses(EG_E_DENIED, "can be written by others (mode 0646)");
    CU_ASSERT_EQUAL(chmod(file, 0660), 0);
    refuses(EG_E_DENIED, "can be written by others (mode 0660)");
    CU_ASSERT_EQUAL(chmod(file, 0644), 0);
    expect("text");
    if (geteuid() == 0) { /* only root can give a file away */
        CU_ASSERT_EQUAL(chown(file, 65534, 65534), 0);
        refuses(EG_E_DENIED, "belongs to another user");
    }
    end();
}

static void what_is_no_regular_file_is_not_waited_for(void) {
    begin();
    CU_ASSERT_EQUAL(mkfifo(file, 0600), 0);
    refuses(EG_E_DENIED, "is not a regular file");
    end();
}

static void a_file_of_absurd_size_is_refused_unread(void) {
    begin();
    CU_ASSERT_EQUAL(put("x"), EG_OK);
    CU_ASSERT_EQUAL(truncate(file, (off_t)GW_COPY_MAX_BYTES + 1), 0); /* with a hole */
    refuses(EG_E_TOOBIG, "is bigger than 256 MiB");
    end();
}

UNIT_MAIN(UNIT(a_file_is_replaced_whole_and_is_for_its_owner_only),
          UNIT(what_cannot_be_written_keeps_the_former_content),
          UNIT(a_file_that_is_not_there_says_so),
          UNIT(a_file_that_others_can_write_is_not_believed),
          UNIT(what_is_no_regular_file_is_not_waited_for),
          UNIT(a_file_of_absurd_size_is_refused_unread))
