/*
 * sign_driver.c - a program for tests: signs the requests of its input, so that another signer can
 * be compared with ours. Not part of the plugin.
 *
 * A line is fields in hexadecimal digits, separated by blanks ("-" = empty): method, host, path,
 * query, region, service, access key id, secret, token, body, time (Unix seconds), then name and
 * value of each header. The answer is a line with the Authorization header, or "error <code>".
 */
#include <stdio.h>
#include <stdlib.h>

#include "sign.h"

#define FIXED_FIELDS 11u
#define MAX_FIELDS (FIXED_FIELDS + 2u * AWS_SIGN_MAX_HEADERS)

static int hex_value(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place: two digits become one byte. */
static struct eg_str decode(char *text, size_t len) {
    size_t count = 0;
    for (size_t i = 0; i + 1 < len; i += 2) {
        text[count++] = (char)(hex_value(text[i]) * 16 + hex_value(text[i + 1]));
    }
    return egx_str_n(text, count);
}

static size_t split(char *line, struct eg_str fields[MAX_FIELDS]) {
    size_t count = 0;
    for (char *at = line + strspn(line, " \n"); *at != '\0' && count < MAX_FIELDS;
         at += strspn(at, " \n")) {
        const size_t len = strcspn(at, " \n");
        fields[count++] = decode(at, len);
        at += len;
    }
    return count;
}

static void answer(struct eg_str fields[MAX_FIELDS], size_t count) {
    struct eg_kv headers[AWS_SIGN_MAX_HEADERS];
    struct aws_signature signature;
    char seconds[24];
    size_t header_count = 0;
    for (size_t i = FIXED_FIELDS; i + 1 < count; i += 2) {
        headers[header_count++] = (struct eg_kv){fields[i], fields[i + 1]};
    }
    (void)snprintf(seconds, sizeof seconds, "%.*s", EGX_FMT(fields[10]));
    const struct aws_keys keys = {fields[6], fields[7], fields[8]};
    const struct aws_sign_request request = {
        .method = fields[0],
        .host = fields[1],
        .path = fields[2],
        .query = fields[3],
        .region = fields[4],
        .service = fields[5],
        .body = fields[9],
        .unix_s = strtoll(seconds, NULL, 10),
        .headers = headers,
        .header_count = header_count,
    };
    const int32_t status = aws_sign(&request, &keys, NULL, 0, &signature);
    if (status < 0) {
        printf("error %d\n", (int)status);
        return;
    }
    printf("%s\n", signature.text);
    aws_signature_free(&signature);
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        struct eg_str fields[MAX_FIELDS];
        const size_t count = split(line, fields);
        if (count < FIXED_FIELDS) {
            printf("error fields\n");
            continue;
        }
        answer(fields, count);
    }
    free(line);
    return 0;
}
