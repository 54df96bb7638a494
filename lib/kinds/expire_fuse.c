/* What keeps a run from removing anything. */
#include "kinds/expire_fuse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

enum { DAY_S = 86400, JUMP_S = 30 * DAY_S, GROWTH = 10 /* a tenth */ };

/* ---- clocks ------------------------------------------------------------------------------- */

char *tw_expire_clock_trouble(const struct tw_expire_clocks *last,
                              const struct tw_expire_clocks *now, int64_t every_s)
{
    if (last->wall_s == 0)
        return NULL;
    const int64_t passed_s = now->wall_s - last->wall_s;
    if (passed_s < 0)
        return tw_format("the clock stands %s before the last run",
                         tw_duration_show(-passed_s).text);
    if (last->boot[0] && strcmp(last->boot, now->boot) == 0) {
        const int64_t away_s = passed_s - (now->boot_s - last->boot_s);
        if (away_s > DAY_S || away_s < -DAY_S)
            return tw_format("since the last run the clock has been set %s by %s",
                             away_s > 0 ? "forward" : "back",
                             tw_duration_show(away_s > 0 ? away_s : -away_s).text);
    } else if (passed_s > every_s + JUMP_S) {
        return tw_format(
            "the machine was started anew, and the clock stands %s behind the last run, "
            "which is more than 30 days later than this one was to come",
            tw_duration_show(passed_s).text);
    }
    return NULL;
}

/* ---- the rules ---------------------------------------------------------------------------- */

static void judge_rules(const struct tw_expire_settings *settings, bool confirm,
                        struct tw_expire_memory *memory, struct tw_expire_verdict *verdict)
{
    struct tw_buf text = {0};
    tw_expire_rules_write(settings, &text);
    const uint64_t hash = tw_expire_rules_hash(tw_buf_text(&text));
    const bool good = hash == memory->confirmed ||
                      (memory->rules && !tw_expire_is_stricter(settings, memory->rules)) ||
                      (confirm && memory->asked == hash);
    if (good) {
        free(memory->rules);
        memory->rules = tw_buf_take(&text);
        memory->confirmed = hash;
        memory->asked = 0;
    } else {
        verdict->unconfirmed = true;
        verdict->newly_asked = memory->asked != hash;
        memory->asked = hash;
    }
    tw_buf_free(&text);
}

/* ---- the fuse ----------------------------------------------------------------------------- */

static int64_t percent(int64_t part, int64_t whole)
{
    return whole > 0 ? part * 100 / whole : 100;
}

/* One scope. True: nothing may go there. */
static bool judge_scope(const struct tw_expire_settings *s, const char *where, int64_t messages,
                        int64_t due, bool confirm, struct tw_expire_memory *memory,
                        struct tw_expire_verdict *verdict)
{
    const int64_t told = tw_expire_memory_trip(memory, where);
    const bool over =
        s->fuse != TW_NEVER && due > s->fuse_min && due > tw_share_of(s->fuse, messages);
    if (!over) {
        tw_expire_memory_set_trip(memory, where, 0);
        return false;
    }
    const bool grown = told > 0 && due > told + told / GROWTH;
    if (confirm && told > 0 && !grown) {
        tw_expire_memory_set_trip(memory, where, 0);
        return false;
    }
    if (confirm && grown)
        verdict->void_confirm = true;
    if (told == 0 || (confirm && grown))
        tw_expire_memory_set_trip(memory, where, due);
    const bool all = strcmp(where, "*") == 0;
    char *text = tw_format("%" PRId64 " of %" PRId64 " messages%s%s are due (%" PRId64 "%%)", due,
                           messages, all ? "" : " of ", all ? "" : where, percent(due, messages));
    tw_strings_add(&verdict->texts, text);
    free(text);
    return true;
}

/* A domain that is gone needs no record any more. */
static void forget_gone(const struct tw_expire_sum *sum, struct tw_expire_memory *memory)
{
    for (size_t i = memory->trip_count; i-- > 0;) {
        const char *where = memory->trips[i].where;
        bool there = strcmp(where, "*") == 0;
        for (size_t k = 0; k < sum->domain_count && !there; k++)
            there = strcmp(sum->domains[k].name, where) == 0;
        if (!there)
            tw_expire_memory_set_trip(memory, where, 0);
    }
}

static void judge_fuse(const struct tw_expire_settings *settings, const struct tw_expire_sum *sum,
                       bool confirm, struct tw_expire_memory *memory,
                       struct tw_expire_verdict *verdict)
{
    int64_t due = 0;
    for (size_t class = 0; class < TW_EXPIRE_TMP; ++class)
        due += tw_expire_sum_class(sum, class).count;
    forget_gone(sum, memory);
    verdict->fuse_all =
        judge_scope(settings, "*", tw_expire_sum_messages(sum), due, confirm, memory, verdict);
    for (size_t i = 0; i < sum->domain_count; i++) {
        const struct tw_expire_domain *domain = &sum->domains[i];
        if (judge_scope(settings, domain->name, domain->messages, tw_expire_domain_due(domain),
                        confirm, memory, verdict))
            tw_strings_add(&verdict->blocked, domain->name);
    }
}

/* ---- all of it ---------------------------------------------------------------------------- */

void tw_expire_judge(const struct tw_expire_settings *settings, const struct tw_expire_sum *sum,
                     const struct tw_expire_clocks *now, int64_t every_s, bool confirm,
                     struct tw_expire_memory *memory, struct tw_expire_verdict *verdict)
{
    *verdict = (struct tw_expire_verdict){0};
    verdict->clock = tw_expire_clock_trouble(&memory->clocks, now, every_s);
    verdict->bad_clock = verdict->clock && !(confirm && memory->clock_told);
    memory->clock_told = verdict->bad_clock;
    if (!verdict->bad_clock)
        memory->clocks = *now;
    judge_rules(settings, confirm, memory, verdict);
    judge_fuse(settings, sum, confirm, memory, verdict);
}

bool tw_expire_blocks_all(const struct tw_expire_verdict *verdict)
{
    return verdict->unconfirmed || verdict->bad_clock || verdict->fuse_all;
}

void tw_expire_verdict_free(struct tw_expire_verdict *verdict)
{
    free(verdict->clock);
    tw_strings_free(&verdict->blocked);
    tw_strings_free(&verdict->texts);
    *verdict = (struct tw_expire_verdict){0};
}
