/* Names and their addresses: a resolver that the test plays, in the thread that asks it. */
#include "unit.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_resolver.h"

#define TURNS_MAX 3000
#define LOOKUPS 40

/* ---- libc's resolver, replaced: "slow..." waits, "no..." is unknown, "empty..." has nothing ----
 */

static atomic_uint asked;
static atomic_uint running;
static atomic_uint running_most;
static sem_t may_end;

struct answer {
    struct addrinfo info;
    struct sockaddr_in6 address;
};

static struct addrinfo *make_info(const char *text, struct addrinfo *next) {
    struct answer *answer = calloc(1, sizeof *answer);
    const bool is_v6 = strchr(text, ':') != NULL;
    struct sockaddr_in *v4 = (void *)&answer->address;
    answer->info = (struct addrinfo){.ai_family = is_v6 ? AF_INET6 : AF_INET,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_addrlen = is_v6 ? sizeof answer->address : sizeof *v4,
                                     .ai_addr = (void *)&answer->address,
                                     .ai_next = next};
    answer->address.sin6_family = (sa_family_t)answer->info.ai_family;
    inet_pton(answer->info.ai_family, text,
              is_v6 ? (void *)&answer->address.sin6_addr : (void *)&v4->sin_addr);
    return &answer->info;
}

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_list) {
    static const char *const order[] = {"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1",
                                        "192.0.2.2"};
    (void)service;
    (void)hints;
    atomic_fetch_add(&asked, 1);
    const unsigned now = atomic_fetch_add(&running, 1) + 1;
    unsigned most = atomic_load(&running_most);
    while (now > most && !atomic_compare_exchange_weak(&running_most, &most, now)) {
    }
    if (strncmp(name, "slow", 4) == 0) {
        sem_wait(&may_end);
    }
    atomic_fetch_sub(&running, 1);
    if (strncmp(name, "no", 2) == 0) {
        return EAI_NONAME;
    }
    *ret_list = NULL;
    for (size_t i = strncmp(name, "empty", 5) == 0 ? 0 : GW_COUNT(order); i > 0; i--) {
        *ret_list = make_info(order[i - 1], *ret_list);
    }
    return 0;
}
__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *list) {
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(GW_CONTAINER(list, struct answer, info));
        list = next;
    }
}

/* ---- the frame ---- */

struct question {
    struct gw_http_lookup lookup;
    unsigned calls;
    struct gw_http_addresses addresses;
    struct question *forgets; /* when it is told */
};

static struct eg_loop *loop;
static struct gw_http_resolver *resolver;

static void on_done(struct gw_http_lookup *lookup, const struct gw_http_addresses *addresses) {
    struct question *question = GW_CONTAINER(lookup, struct question, lookup);
    question->calls++;
    question->addresses = *addresses;
    if (question->forgets != NULL) {
        gw_http_resolver_forget(resolver, &question->forgets->lookup);
    }
}

/* Threads let go may not have gone yet: a semaphore made anew would hold them for ever. */
static void wait_for_threads(void) {
    const struct timespec millisecond = {.tv_nsec = 1000000};
    for (int i = 0; i < TURNS_MAX && atomic_load(&running) > 0; i++) {
        nanosleep(&millisecond, NULL);
    }
    CU_ASSERT_EQUAL_FATAL(atomic_load(&running), 0);
}

static void begin(void) {
    wait_for_threads();
    gw_clock_hold(GW_NS_PER_S, 0);
    atomic_store(&asked, 0);
    atomic_store(&running_most, 0);
    sem_init(&may_end, 0, 0);
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    resolver = gw_http_resolver_create(loop);
}
static void end(void) {
    gw_http_resolver_destroy(resolver);
    gw_loop_destroy(loop);
    gw_clock_release();
}

/* True: the answer was there at once. */
static bool ask(struct question *question, const char *host) {
    question->lookup.on_done = on_done;
    question->calls = 0;
    return gw_http_resolver_ask(resolver, gw_str_c(host), &question->lookup, &question->addresses);
}
static void wait_for(const struct question *question) {
    for (int i = 0; i < TURNS_MAX && question->calls == 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(question->calls, 1);
}
static void expect_address(const struct question *question, size_t index, const char *expected) {
    char text[INET6_ADDRSTRLEN] = "";
    const union gw_http_address *a = &question->addresses.items[index];
    const bool is_v6 = a->any.sa_family == AF_INET6;
    inet_ntop(a->any.sa_family,
              is_v6 ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr, text,
              sizeof text);
    CU_ASSERT_STRING_EQUAL(text, expected);
}

/* ---- tests ---- */

static void literals_and_localhost_need_no_lookup(void) {
    static const struct {
        const char *host;
        size_t count;
        const char *first;
    } rows[] = {{"127.0.0.1", 1, "127.0.0.1"},
                {"[::1]", 1, "::1"},
                {"[2001:DB8::9]", 1, "2001:db8::9"},
                {"localhost", 2, "::1"},
                {"LocalHost.", 2, "::1"},
                {"a.localhost", 2, "::1"}};
    begin();
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct question question = {0};
        CU_ASSERT_TRUE(ask(&question, rows[i].host));
        CU_ASSERT_EQUAL(question.addresses.count, rows[i].count);
        expect_address(&question, 0, rows[i].first);
    }
    CU_ASSERT_EQUAL(atomic_load(&asked), 0);
    end();
}

static void addresses_come_with_the_families_by_turns(void) {
    struct question question = {0};
    begin();
    CU_ASSERT_FALSE(ask(&question, "name.test"));
    CU_ASSERT_EQUAL(question.calls, 0);
    wait_for(&question);
    CU_ASSERT_EQUAL_FATAL(question.addresses.count, 5);
    expect_address(&question, 0, "2001:db8::1");
    expect_address(&question, 1, "192.0.2.1");
    expect_address(&question, 2, "2001:db8::2");
    expect_address(&question, 3, "192.0.2.2");
    expect_address(&question, 4, "2001:db8::3");
    end();
}

static void a_name_is_looked_up_once_a_minute_whoever_asks(void) {
    struct question questions[3] = {{.calls = 0}};
    begin();
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_FALSE(ask(&questions[i], "slow.test"));
    }
    sem_post(&may_end);
    for (size_t i = 0; i < 3; i++) {
        wait_for(&questions[i]);
        CU_ASSERT_EQUAL(questions[i].addresses.count, 5);
    }
    gw_clock_advance(59 * GW_NS_PER_S);
    CU_ASSERT_TRUE(ask(&questions[0], "slow.test"));
    CU_ASSERT_EQUAL(questions[0].addresses.count, 5);
    CU_ASSERT_EQUAL(atomic_load(&asked), 1);
    gw_clock_advance(2 * GW_NS_PER_S);
    CU_ASSERT_FALSE(ask(&questions[0], "slow.test"));
    sem_post(&may_end);
    wait_for(&questions[0]);
    CU_ASSERT_EQUAL(atomic_load(&asked), 2);
    gw_http_resolver_drop(resolver, GW_STR("slow.test"));
    CU_ASSERT_FALSE(ask(&questions[0], "slow.test"));
    sem_post(&may_end);
    wait_for(&questions[0]);
    CU_ASSERT_EQUAL(atomic_load(&asked), 3);
    end();
}

static void what_is_not_found_is_told_with_the_reason_and_remembered_for_a_second(void) {
    static const struct {
        const char *host;
        int error;
    } rows[] = {{"no.test", EAI_NONAME}, {"empty.test", 0}};
    begin();
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct question question = {0};
        for (unsigned round = 1; round <= 2; round++) {
            const unsigned before = atomic_load(&asked);
            const char *reason =
                rows[i].error != 0 ? gai_strerror(rows[i].error) : "it has no address";
            CU_ASSERT_FALSE(ask(&question, rows[i].host));
            wait_for(&question);
            CU_ASSERT_EQUAL(question.addresses.count, 0);
            CU_ASSERT_STRING_EQUAL(question.addresses.reason, reason);
            gw_clock_advance(900 * GW_NS_PER_MS);
            CU_ASSERT_TRUE(ask(&question, rows[i].host));
            CU_ASSERT_EQUAL(question.addresses.count, 0);
            CU_ASSERT_STRING_EQUAL(question.addresses.reason, reason);
            CU_ASSERT_EQUAL(atomic_load(&asked), before + 1);
            gw_clock_advance(200 * GW_NS_PER_MS);
        }
    }
    end();
}

static void a_name_too_long_for_any_is_not_looked_up(void) {
    struct question question = {0};
    char host[300];
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    begin();
    CU_ASSERT_TRUE(ask(&question, host));
    CU_ASSERT_EQUAL(question.addresses.count, 0);
    end();
}

static void who_was_forgotten_is_not_told_even_by_one_who_is(void) {
    struct question questions[3] = {{.calls = 0}};
    begin();
    questions[0].forgets = &questions[2];
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_FALSE(ask(&questions[i], "slow.test"));
    }
    gw_http_resolver_forget(resolver, &questions[1].lookup);
    sem_post(&may_end);
    wait_for(&questions[0]);
    CU_ASSERT_EQUAL(questions[1].calls + questions[2].calls, 0);
    end();
}

static void slow_lookups_are_bounded_and_the_others_have_their_turn(void) {
    static struct question questions[LOOKUPS];
    char host[32];
    begin();
    for (int i = 0; i < LOOKUPS; i++) {
        snprintf(host, sizeof host, "slow%d.test", i);
        CU_ASSERT_FALSE(ask(&questions[i], host));
    }
    for (int i = 0; i < TURNS_MAX && atomic_load(&running) < 16; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(atomic_load(&asked), 16);
    for (int i = 0; i < LOOKUPS; i++) {
        sem_post(&may_end);
    }
    for (int i = 0; i < LOOKUPS; i++) {
        wait_for(&questions[i]);
    }
    CU_ASSERT_EQUAL(atomic_load(&running_most), 16);
    CU_ASSERT_EQUAL(atomic_load(&asked), LOOKUPS);
    end();
}

/* Whoever can make the gateway ask for names (a redirect is enough) must not fill its memory with
 * them, nor have threads look up what nobody wants to know any more. */
static void a_name_that_nobody_waits_for_is_not_looked_up_when_its_turn_comes(void) {
    static struct question questions[LOOKUPS];
    struct question last = {0};
    char host[32];
    begin();
    for (int i = 0; i < LOOKUPS; i++) {
        snprintf(host, sizeof host, "slow%d.test", i);
        CU_ASSERT_FALSE(ask(&questions[i], host));
    }
    CU_ASSERT_FALSE(ask(&last, "slow20.test")); /* beside the one that gives up */
    for (int i = 0; i < TURNS_MAX && atomic_load(&running) < 16; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    for (int i = 0; i < LOOKUPS; i++) {
        gw_http_resolver_forget(resolver, &questions[i].lookup);
    }
    for (int i = 0; i < LOOKUPS; i++) {
        sem_post(&may_end);
    }
    wait_for(&last);
    CU_ASSERT_EQUAL(last.addresses.count, 5);
    CU_ASSERT_EQUAL(atomic_load(&asked), 17);
    CU_ASSERT_FALSE(ask(&last, "slow30.test")); /* and may be asked for again */
    wait_for(&last);
    end();
}

static void a_resolver_ends_while_names_are_looked_up_and_waits_for_none(void) {
    struct question question = {0};
    begin();
    CU_ASSERT_FALSE(ask(&question, "slow.test"));
    for (int i = 0; i < TURNS_MAX && atomic_load(&running) < 1; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    gw_http_resolver_forget(resolver, &question.lookup);
    end();
    sem_post(&may_end);
    wait_for_threads();
    CU_ASSERT_EQUAL(question.calls, 0);
}

UNIT_MAIN(UNIT(literals_and_localhost_need_no_lookup),
          UNIT(addresses_come_with_the_families_by_turns),
          UNIT(a_name_is_looked_up_once_a_minute_whoever_asks),
          UNIT(what_is_not_found_is_told_with_the_reason_and_remembered_for_a_second),
          UNIT(a_name_too_long_for_any_is_not_looked_up),
          UNIT(who_was_forgotten_is_not_told_even_by_one_who_is),
          UNIT(slow_lookups_are_bounded_and_the_others_have_their_turn),
          UNIT(a_name_that_nobody_waits_for_is_not_looked_up_when_its_turn_comes),
          UNIT(a_resolver_ends_while_names_are_looked_up_and_waits_for_none))
