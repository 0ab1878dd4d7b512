/*
 * fake_providers.h - three providers that validate and never call anybody.
 *
 * "http" {url} refuses an empty url with `missing required fields for HTTP endpoint`; "vault" {url,
 * key, token} has two secrets, and refuses a key that does not begin with "k";
 * "awslambda" {arn, region, awsAccessKeyId, awsSecretAccessKey} has one secret.
 */
#ifndef TESTS_FAKE_PROVIDERS_H
#define TESTS_FAKE_PROVIDERS_H

#include <eventgw/plugin.h>

extern const struct eg_plugin fake_providers_plugin;

#endif
