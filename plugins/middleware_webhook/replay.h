/*
 * replay.h - what has been delivered lately, so that nobody delivers it again. Bounded; shared by
 * all loops behind a short lock.
 */
#ifndef WEBHOOK_REPLAY_H
#define WEBHOOK_REPLAY_H

#include "crypto.h"

struct webhook_replay;

struct webhook_seen {
    uint32_t rule;
    unsigned char mark[WEBHOOK_MARK];
};

struct webhook_replay *webhook_replay_new(const struct eg_host *host, size_t capacity,
                                          uint64_t lifetime_ns);
void webhook_replay_free(struct webhook_replay *replay); /* NULL is fine */
/* 1 = taken, it was not there; 0 = it is there. When all is full the oldest gives way, which is
 * counted. */
int webhook_replay_take(struct webhook_replay *replay, const struct webhook_seen *seen,
                        uint64_t now_ns);
/* It was not delivered after all, so the sender may try again. */
void webhook_replay_give_back(struct webhook_replay *replay, const struct webhook_seen *seen);

#endif
