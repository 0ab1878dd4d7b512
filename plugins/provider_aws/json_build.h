/* json_build.h - members and base64 for the JSON that goes to the services. Pure; any thread. */
#ifndef AWS_JSON_BUILD_H
#define AWS_JSON_BUILD_H

#include <eventgw-sdk/egx.h>

/* "name":"value" */
void aws_json_member(struct egx_json *json, struct eg_str name, struct eg_str value);
/* A string that holds the base64 (RFC 4648, padded) of data, and of a line feed behind it. */
void aws_json_base64(struct egx_json *json, struct eg_str data, int32_t has_newline);
/* Decodes base64 into out; the number of bytes, cut at room. What is no base64 ends it. */
size_t aws_base64_decode(struct eg_str text, char *out, size_t room);
/* 1 = valid UTF-8. */
int32_t aws_is_utf8(struct eg_str text);

#endif
