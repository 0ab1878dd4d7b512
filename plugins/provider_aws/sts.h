/* sts.h - the bodies of the two STS calls that give credentials. Pure; any thread. */
#ifndef AWS_STS_H
#define AWS_STS_H

#include "credentials_plan.h"

/* Form bodies (Query protocol, version 2011-06-15). take: aws_free_secret. */
char *aws_sts_assume_role(const struct aws_role *role);
char *aws_sts_web_identity(const struct aws_role *role, const char *token);

#endif
