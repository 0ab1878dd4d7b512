/*
 * md5.h - MD5 (RFC 1321), because SQS answers with it. Not used where anybody could gain from a
 * collision. Pure; any thread.
 */
#ifndef AWS_MD5_H
#define AWS_MD5_H

#include <eventgw-sdk/egx.h>

#define AWS_MD5_HEX 32u

/* Lower-case hex, AWS_MD5_HEX characters, no NUL. */
void aws_md5_hex(struct eg_str text, char *out);

#endif
