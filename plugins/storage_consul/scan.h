/*
 * scan.h - reads the JSON of Consul's answers where it lies, without building a tree: a list of
 * 10,000 keys comes with every change of one of them. (And Flags, an unsigned 64-bit number that
 * anybody may set, has no place in a tree with signed integers.) Any thread.
 */
#ifndef STORAGE_CONSUL_SCAN_H
#define STORAGE_CONSUL_SCAN_H

#include <stdbool.h>

#include <eventgw-sdk/egx_storage.h>

/* is_bad is set by the first thing that is not what was asked for, and stays; everything reads as
 * empty from then on. */
struct consul_scan {
    const char *at;
    const char *end;
    bool is_bad;
};

struct consul_scan consul_scan_begin(struct eg_str text);
/* The opening bracket. */
void consul_scan_open(struct consul_scan *scan, char bracket);
/* Is there another member or item? False at the closing bracket, which is taken. is_first belongs
 * to the container and begins as true. */
bool consul_scan_more(struct consul_scan *scan, char closing, bool *is_first);
/* Name of a member, with its colon. */
struct eg_str consul_scan_name(struct consul_scan *scan);
/* Between the quotes, escapes as they are. */
struct eg_str consul_scan_string(struct consul_scan *scan);
/* The same, or null (ptr NULL). */
struct eg_str consul_scan_string_or_null(struct consul_scan *scan);
uint64_t consul_scan_number(struct consul_scan *scan);
/* True when null stood there. */
bool consul_scan_null(struct consul_scan *scan);
/* Any value. */
void consul_scan_skip(struct consul_scan *scan);
/* Only blanks until the end. */
void consul_scan_finish(struct consul_scan *scan);

/* Replaces the escapes of a string; out has room for text.len bytes. False: \u of a lone
 * surrogate. */
bool consul_unescape(struct eg_str text, char *out, size_t *ret_len);

/* A row of the key/value store: {"Key": ..., "Value": ..., "ModifyIndex": ..., "CreateIndex":
 * ..., "Flags": ...}. */
struct consul_entry {
    struct eg_str key;   /* escapes as they are */
    struct eg_str value; /* base64; null is empty */
    uint64_t revision;   /* ModifyIndex, at least 1 */
    uint64_t created;    /* CreateIndex; 0 = not told */
    uint64_t flags;
};
void consul_scan_entry(struct consul_scan *scan, struct consul_entry *ret_entry);

/* The answer of a transaction: every row of Results is told, then every error of Errors. text has
 * its escapes as they are. Either function may be NULL. False: it is no such answer. */
struct consul_txn_reader {
    void (*entry)(void *arg, const struct consul_entry *entry);
    void (*error)(void *arg, uint64_t op_index, struct eg_str text);
    void *arg;
};
bool consul_scan_txn(struct eg_str body, const struct consul_txn_reader *reader);
/* An array of exactly one row: the answer of GET /v1/kv/<key>. */
bool consul_scan_one(struct eg_str body, struct consul_entry *ret_entry);
/* An array of strings: is this one (without escapes) among them? False: it is no such array. */
bool consul_scan_names(struct eg_str body, struct eg_str wanted, bool *ret_is_there);

#endif
