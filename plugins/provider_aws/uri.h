/*
 * uri.h - escaping and canonical forms of paths and queries (RFC 3986, Signature Version 4). Pure;
 * any thread. Writers never write past room and return the length the whole would have.
 */
#ifndef AWS_URI_H
#define AWS_URI_H

#include <eventgw-sdk/egx.h>

/* Every byte but A-Za-z0-9-._~ becomes %XX, '/' too: one segment of a path, one value of a query.
 * Three times the length is always room enough. */
size_t aws_uri_escape(struct eg_str text, char *out, size_t room);

/* The CanonicalURI: with is_normalized the dot segments and empty segments go; then every byte of
 * the wire path is escaped again, '/' stays. */
size_t aws_uri_canonical_path(struct eg_str path, int32_t is_normalized, char *out, size_t room);

/* The CanonicalQuery: names and values unescaped, escaped again, sorted by name then value. Returns
 * a malloc'd text, or NULL when there are more than AWS_URI_MAX_PARAMETERS. */
#define AWS_URI_MAX_PARAMETERS 256u
char *aws_uri_canonical_query(struct eg_str query);

struct aws_url {
    int32_t is_https;
    struct eg_str host; /* with the port as written */
    struct eg_str path; /* without the closing '/' */
};
/* http:// or https://, a host, perhaps a path; no user, query or fragment. EG_E_INVAL otherwise. */
int32_t aws_url_parse(struct eg_str url, struct aws_url *ret_url);

#endif
