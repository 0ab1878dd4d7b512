/* Unit tests of the settings: endpoints in all their spellings, and what cannot work. */
#include <stdlib.h>
#include <unistd.h>

#include "test_etcd.h"

static void check_urls(const char *settings, const char *urls) {
    char text[512] = "";
    CU_ASSERT_EQUAL_FATAL(make(settings), EG_OK);
    for (size_t i = 0; i < store->endpoint_count; i++) {
        const size_t at = strlen(text);
        (void)snprintf(text + at, sizeof text - at, "%.*s(%.*s) ", EGX_FMT(store->endpoints[i].url),
                       EGX_FMT(store->endpoints[i].name));
    }
    CU_ASSERT_STRING_EQUAL(text, urls);
    end();
}

static void endpoints_are_hosts_or_urls_with_2379_when_no_port_is_named(void) {
    check_urls(NULL, "http://127.0.0.1:2379(127.0.0.1:2379) ");
    check_urls("{\"endpoints\":[\"a:1\",\"http://b:2/\",\" https://c \",\"\"]}",
               "http://a:1(a:1) http://b:2(b:2) https://c:2379(c:2379) ");
    check_urls("{\"endpoints\":[\"[::1]:4\",\"[::1]\"]}",
               "http://[::1]:4([::1]:4) http://[::1]:2379([::1]:2379) ");
}

static void check_refused(const char *settings, const char *reason) {
    CU_ASSERT_EQUAL(make(settings), EG_E_INVAL);
    why.text[why.len] = '\0';
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, reason));
    store = NULL;
    end();
}

static void what_cannot_work_is_refused_with_the_name_of_the_setting(void) {
    check_refused("{\"endpoints\":[]}", "'endpoints' names no server");
    check_refused("{\"endpoints\":[\"a:1/path\"]}", "'a:1/path'");
    check_refused("{\"endpoints\":[\"a b\"]}", "'endpoints'");
    check_refused("{\"endpoints\":[\"http://u:p@a:1\"]}", "'endpoints'");
    check_refused("{\"endpoints\":[\"ftp://a:1\"]}", "'endpoints'");
    check_refused("{\"username\":\"u\"}", "'password'");
    check_refused("{\"password\":\"p\"}", "'username'");
    check_refused("{\"endpoints\":[\"https://a\"],\"cert_file\":\"c\"}", "'key_file'");
    check_refused("{\"ca_file\":\"c\"}", "no endpoint begins with https://");
}

static void a_refused_endpoint_is_shown_without_its_password(void) {
    check_refused("{\"endpoints\":[\"http://user:p@ss@a:1\"]}", "'...@a:1'");
    CU_ASSERT_PTR_NULL(strstr(why.text, "ss@"));
}

static void files_that_cannot_be_read_or_are_no_pem_fail_the_start(void) {
    char path[] = "/tmp/eg-etcd-XXXXXX";
    char settings[256];
    CU_ASSERT_EQUAL(make("{\"endpoints\":[\"https://a\"],\"ca_file\":\"/nowhere/ca.pem\"}"), EG_OK);
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_E_IO);
    end();
    const int fd = mkstemp(path);
    CU_ASSERT_EQUAL(write(fd, "no certificate", 14), 14);
    (void)close(fd);
    (void)snprintf(settings, sizeof settings, "{\"endpoints\":[\"https://a\"],\"ca_file\":\"%s\"}",
                   path);
    CU_ASSERT_EQUAL(make(settings), EG_OK);
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_E_INVAL);
    end();
    (void)unlink(path);
}

static void a_password_in_clear_text_to_another_machine_is_warned_of(void) {
    CU_ASSERT_EQUAL(
        make("{\"endpoints\":[\"10.0.0.1:2379\"],\"username\":\"u\",\"password\":\"p\"}"), EG_OK);
    answer("{" HEADER_AT("1") ",\"token\":\"t\"}");
    answer("{" HEADER_AT("1") "}");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_OK);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "10.0.0.1:2379 in clear text"));
    end();
}

UNIT_MAIN(UNIT(endpoints_are_hosts_or_urls_with_2379_when_no_port_is_named),
          UNIT(what_cannot_work_is_refused_with_the_name_of_the_setting),
          UNIT(a_refused_endpoint_is_shown_without_its_password),
          UNIT(files_that_cannot_be_read_or_are_no_pem_fail_the_start),
          UNIT(a_password_in_clear_text_to_another_machine_is_warned_of))
