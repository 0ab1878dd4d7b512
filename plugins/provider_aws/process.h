/* process.h - runs a credential_process. Blocks: pool threads only. */
#ifndef AWS_PROCESS_H
#define AWS_PROCESS_H

#include <eventgw-sdk/egx.h>

#define AWS_PROCESS_SECONDS 15
#define AWS_PROCESS_MAX_BYTES 65536u

/* Runs the command by /bin/sh and gives what it wrote to its standard output. Killed with its
 * process group after timeout_ms or too many bytes. take: aws_free_secret. */
int32_t aws_process_run(const char *command, int timeout_ms, char **ret_output,
                        struct eg_why *ret_why);

#endif
