/*
 * The published cases of Signature Version 4 (one directory each: request, context, and what the
 * canonical request, the string to sign and the signature have to be), read in place.
 */
#include <dirent.h>
#include <stdlib.h>
#include <time.h>

#include "sign.h"
#include "unit.h"

#define CASES_DIR TEST_DATA_DIR "/sigv4/v4"
#define CASES 38u
#define MAX_FILE 16384u

struct request_text {
    char text[MAX_FILE];
    char context[MAX_FILE];
    struct eg_kv headers[AWS_SIGN_MAX_HEADERS];
    struct aws_sign_request request;
    struct aws_keys keys;
};

static int read_case(const char *name, const char *file, char ret_text[MAX_FILE]) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s/%s", CASES_DIR, name, file);
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return 0;
    }
    const size_t len = fread(ret_text, 1, MAX_FILE - 1, in);
    ret_text[len] = '\0';
    (void)fclose(in);
    return 1;
}

/* The text of a string member of the context; the files are flat enough for that. */
static struct eg_str member(const char *context, const char *name) {
    char quoted[64];
    (void)snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *at = strstr(context, quoted);
    if (at == NULL) {
        return egx_str_n(NULL, 0);
    }
    at += strlen(quoted);
    at += strspn(at, " \"");
    return egx_str_n(at, strcspn(at, "\",\n"));
}

static int is_true(const char *context, const char *name) {
    return egx_str_eq(member(context, name), EGX_STR("true"));
}

static void parse_context(struct request_text *c) {
    struct tm parts = {.tm_isdst = 0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(
        strptime(member(c->context, "timestamp").ptr, "%Y-%m-%dT%H:%M:%SZ", &parts));
    c->keys.access_key_id = member(c->context, "access_key_id");
    c->keys.secret_access_key = member(c->context, "secret_access_key");
    c->keys.session_token = member(c->context, "token");
    c->request.region = member(c->context, "region");
    c->request.service = member(c->context, "service");
    c->request.unix_s = timegm(&parts);
    c->request.flags = (is_true(c->context, "normalize") ? 0 : AWS_SIGN_RAW_PATH) |
                       (is_true(c->context, "sign_body") ? AWS_SIGN_BODY_HASH : 0) |
                       (is_true(c->context, "omit_session_token") ? AWS_SIGN_TOKEN_AFTER : 0);
}

/* "METHOD target HTTP/1.1"; the target may hold spaces. */
static char *parse_request_line(struct request_text *c) {
    char *end = strchr(c->text, '\n');
    char *method_end = strchr(c->text, ' ');
    char *protocol = strstr(c->text, " HTTP/1.1");
    CU_ASSERT_FATAL(method_end != NULL && protocol != NULL && end != NULL && method_end < end);
    c->request.method = egx_str_n(c->text, (size_t)(method_end - c->text));
    const struct eg_str target = egx_str_n(method_end + 1, (size_t)(protocol - method_end) - 1);
    const char *mark = memchr(target.ptr, '?', target.len);
    const size_t path_len = mark == NULL ? target.len : (size_t)(mark - target.ptr);
    c->request.path = egx_str_n(target.ptr, path_len);
    c->request.query = egx_str_cut(target, path_len + 1);
    return end + 1;
}

/* Lines that begin with a blank belong to the header above. */
static void parse_headers(struct request_text *c, char *at) {
    size_t count = 0;
    while (*at != '\0' && *at != '\n') {
        const size_t line = strcspn(at, "\n");
        char *colon = memchr(at, ':', line);
        if (*at == ' ') {
            c->headers[count - 1].value.len = (size_t)(at + line - c->headers[count - 1].value.ptr);
        } else if (colon != NULL) {
            c->headers[count++] =
                (struct eg_kv){egx_str_n(at, (size_t)(colon - at)),
                               egx_str_n(colon + 1, (size_t)(at + line - colon) - 1)};
        }
        at += line + (at[line] == '\n');
    }
    c->request.body = egx_str_c(*at == '\n' ? at + 1 : at);
    for (size_t i = 0; i < count; i++) { /* the signer adds host by itself */
        if (egx_str_eq_nocase(c->headers[i].name, EGX_STR("host"))) {
            c->request.host = c->headers[i].value;
            count--;
            memmove(&c->headers[i], &c->headers[i + 1], (count - i) * sizeof c->headers[0]);
        }
    }
    c->request.headers = c->headers;
    c->request.header_count = count;
}

static void expect_file(const char *name, const char *file, const char *got) {
    char want[MAX_FILE];
    CU_ASSERT_FATAL(read_case(name, file, want));
    if (got == NULL || strcmp(got, want) != 0) {
        printf("  %s/%s: got\n%s\n  expected\n%s\n", name, file, got == NULL ? "" : got, want);
    }
    CU_ASSERT_STRING_EQUAL(got, want);
}

static void check_case(const char *name) {
    struct request_text *c = calloc(1, sizeof *c);
    struct aws_signature signature;
    struct aws_key_cache cache = {.next = 0};
    CU_ASSERT_FATAL(c != NULL && read_case(name, "request.txt", c->text) &&
                    read_case(name, "context.json", c->context));
    parse_context(c);
    parse_headers(c, parse_request_line(c));
    for (int again = 0; again < 2; again++) { /* the second key comes from the cache */
        CU_ASSERT_EQUAL_FATAL(aws_sign(&c->request, &c->keys, &cache, 1, &signature), EG_OK);
        expect_file(name, "header-canonical-request.txt", signature.canonical_request);
        expect_file(name, "header-string-to-sign.txt", signature.string_to_sign);
        expect_file(name, "header-signature.txt", signature.hex);
        char signed_request[MAX_FILE];
        CU_ASSERT_FATAL(read_case(name, "header-signed-request.txt", signed_request));
        CU_ASSERT_PTR_NOT_NULL(strstr(signed_request, signature.text));
        aws_signature_free(&signature);
    }
    aws_key_cache_wipe(&cache);
    free(c);
}

static void every_published_case_is_signed_as_published(void) {
    unsigned count = 0;
    DIR *directory = opendir(CASES_DIR);
    if (directory == NULL) {
        printf("skipped: no cases of Signature Version 4 in %s\n", CASES_DIR);
        return;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            check_case(entry->d_name);
            count++;
        }
    }
    (void)closedir(directory);
    CU_ASSERT_EQUAL(count, CASES);
}

UNIT_MAIN(UNIT(every_published_case_is_signed_as_published))
