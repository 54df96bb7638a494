/* Which messages are due. */
#include "kinds/expire_rules.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/units.h"
#include "toaster/address.h"

enum {
    DAY_S = 86400,
    TMP_LEAST_S = 36 * 3600, /* what is younger may be a delivery under way (maildir(5)) */
    PARALLEL_MAX = 128,
    YEAR_1990_S = 631152000, /* before any Maildir: such a date is none */
};

const char *const tw_expire_class_names[TW_EXPIRE_CLASSES] = {"read",  "unread", "sent",
                                                              "trash", "spam",   "tmp"};

/* ---- the keys ----------------------------------------------------------------------------- */

static const char *const ages[] = {"moved", "received", NULL};
static const char *const yes_no[] = {"yes", "no", "true", "false", "on", "off", NULL};

#define KEY(member) offsetof(struct tw_expire_keys, member)
#define LIMIT_FROM(name, class, base, least)                                                       \
    {                                                                                              \
        (name), TW_OPT_DURATION, (base) + KEY(limit_s[class]),                                     \
            .flags = TW_OPT_MAY_BE_UNSET, .min = (least), .max = 100L * 365 * DAY_S                \
    }
/* The least is a second: 0 would empty a folder by a slip of the finger. */
#define LIMIT(name, class, base) LIMIT_FROM(name, class, base, 1)
#define AGE(name, member, base)                                                                    \
    {                                                                                              \
        (name), TW_OPT_CHOICE, (base) + KEY(member), .choices = ages                               \
    }
#define KEYS(base)                                                                                 \
    LIMIT("read", TW_EXPIRE_READ, base), LIMIT("unread", TW_EXPIRE_UNREAD, base),                  \
        LIMIT("sent", TW_EXPIRE_SENT, base), LIMIT("trash", TW_EXPIRE_TRASH, base),                \
        LIMIT("spam", TW_EXPIRE_SPAM, base), LIMIT_FROM("tmp", TW_EXPIRE_TMP, base, TMP_LEAST_S),  \
        AGE("age", age, base), AGE("read_age", class_age[TW_EXPIRE_READ], base),                   \
        AGE("unread_age", class_age[TW_EXPIRE_UNREAD], base),                                      \
        AGE("sent_age", class_age[TW_EXPIRE_SENT], base),                                          \
        AGE("trash_age", class_age[TW_EXPIRE_TRASH], base),                                        \
        AGE("spam_age", class_age[TW_EXPIRE_SPAM], base),                                          \
    {                                                                                              \
        "flagged", TW_OPT_CHOICE, (base) + KEY(flagged), .choices = yes_no                         \
    }

static const struct tw_option policy_options[] = {KEYS(0), {NULL}};

#define AT(member) offsetof(struct tw_expire_settings, member)

const struct tw_option tw_expire_options[] = {
    KEYS(AT(keys)),
    {"trash_folders", TW_OPT_LIST, AT(trash_folders)},
    {"spam_folders", TW_OPT_LIST, AT(spam_folders)},
    {"sent_folders", TW_OPT_LIST, AT(sent_folders)},
    {"fuse", TW_OPT_SHARE, AT(fuse), .fallback = "25%"},
    {"fuse_min", TW_OPT_INT, AT(fuse_min), .fallback = "1000", .min = 0, .max = 1000000000},
    {"quota_trash", TW_OPT_BOOL, AT(quota_trash), .fallback = "no"},
    {"keep_unlearned", TW_OPT_BOOL, AT(keep_unlearned), .fallback = "yes"},
    {"parallel", TW_OPT_INT, AT(parallel), .fallback = "4", .min = 1, .max = PARALLEL_MAX},
    {"policy", TW_OPT_SECTIONS, AT(policies), .inner = policy_options,
     .inner_size = sizeof(struct tw_expire_keys), .check_title = tw_address_check},
    {NULL},
};

struct folder_lists {
    struct tw_strings trash, spam, sent;
};

static struct folder_lists lists_of(const struct tw_expire_settings *s)
{
    return (struct folder_lists){
        tw_folder_list(TW_FOLDER_TRASH, &s->trash_folders),
        tw_folder_list(TW_FOLDER_SPAM, &s->spam_folders),
        tw_folder_list(TW_FOLDER_SENT, &s->sent_folders),
    };
}

static void free_lists(struct folder_lists *lists)
{
    tw_strings_free(&lists->trash);
    tw_strings_free(&lists->spam);
    tw_strings_free(&lists->sent);
}

struct tw_folder_names *tw_expire_folders(const struct tw_expire_settings *settings)
{
    struct folder_lists lists = lists_of(settings);
    struct tw_folder_names *names = tw_folder_names_new(&lists.sent, &lists.trash, &lists.spam);
    free_lists(&lists);
    return names;
}

/* The same address in other letters: which of the two would count? */
static int check_policies(const struct tw_sections *policies, struct tw_error *e)
{
    for (size_t i = 0; i < policies->count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(policies->items[i].title, policies->items[k].title) == 0)
                return tw_fail(
                    e, "policy \"%.200s\" and policy \"%.200s\" are for the same: write one",
                    policies->items[k].title, policies->items[i].title);
    return 0;
}

int tw_expire_check(const struct tw_expire_settings *settings, struct tw_error *e)
{
    if (check_policies(&settings->policies, e) != 0)
        return -1;
    if (tw_folder_list_check("trash_folders", &settings->trash_folders, e) != 0 ||
        tw_folder_list_check("spam_folders", &settings->spam_folders, e) != 0 ||
        tw_folder_list_check("sent_folders", &settings->sent_folders, e) != 0)
        return -1;
    struct folder_lists lists = lists_of(settings);
    const char *both = NULL;
    int result = 0;
    if (tw_folder_names_overlap(&lists.trash, &lists.spam, &both) ||
        tw_folder_names_overlap(&lists.trash, &lists.sent, &both) ||
        tw_folder_names_overlap(&lists.spam, &lists.sent, &both))
        result = tw_fail(e,
                         "\"%.200s\" is in two of trash_folders, spam_folders and sent_folders: "
                         "which rule holds there? Write it in one (those that are not written have "
                         "their defaults)",
                         both);
    free_lists(&lists);
    return result;
}

/* ---- for one address ---------------------------------------------------------------------- */

/* The policies that are for an address, the most exact one first; at most one of each sort, and
 * last the job's own keys. */
struct layers {
    const struct tw_expire_keys *keys[3];
    const char *pattern[3];
};

static struct layers layers_for(const struct tw_expire_settings *s, const char *address)
{
    static const struct tw_expire_keys nothing = {
        .limit_s = {TW_UNSET, TW_UNSET, TW_UNSET, TW_UNSET, TW_UNSET, TW_UNSET}};
    struct layers layers = {{&nothing, &nothing, &s->keys}, {NULL, NULL, NULL}};
    for (size_t i = 0; i < s->policies.count; i++) {
        const struct tw_section *policy = &s->policies.items[i];
        const enum tw_address_match match = tw_address_matches(policy->title, address);
        if (match == TW_ADDRESS_OTHER)
            continue;
        const size_t at = match == TW_ADDRESS_EXACT ? 0 : 1;
        layers.keys[at] = policy->settings;
        layers.pattern[at] = policy->title;
    }
    return layers;
}

static bool counts_from_received(const struct layers *layers, size_t class)
{
    for (size_t i = 0; i < 3 && class < TW_EXPIRE_TMP; i++)
        if (layers->keys[i]->class_age[class])
            return strcmp(layers->keys[i]->class_age[class], "received") == 0;
    for (size_t i = 0; i < 3 && class < TW_EXPIRE_TMP; i++)
        if (layers->keys[i]->age)
            return strcmp(layers->keys[i]->age, "received") == 0;
    return false;
}

static bool takes_flagged(const struct layers *layers)
{
    for (size_t i = 0; i < 3; i++)
        if (layers->keys[i]->flagged)
            return strchr("yYtT", layers->keys[i]->flagged[0]) != NULL ||
                   strcmp(layers->keys[i]->flagged, "on") == 0;
    return false;
}

struct tw_expire_rule tw_expire_rule_for(const struct tw_expire_settings *settings,
                                         const char *address)
{
    const struct layers layers = layers_for(settings, address);
    struct tw_expire_rule rule = {.flagged = takes_flagged(&layers)};
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class) {
        rule.limit_s[class] = TW_NEVER;
        rule.received[class] = counts_from_received(&layers, class);
        for (size_t i = 0; i < 3; i++) {
            if (layers.keys[i]->limit_s[class] == TW_UNSET)
                continue;
            rule.limit_s[class] = layers.keys[i]->limit_s[class];
            rule.from[class] = layers.pattern[i];
            break;
        }
    }
    return rule;
}

/* ---- for one message ---------------------------------------------------------------------- */

enum tw_expire_class tw_expire_class_of(enum tw_folder_class folder, enum tw_mail_dir dir,
                                        const struct tw_message *message)
{
    switch (folder) {
    case TW_FOLDER_INBOX:
        return dir == TW_DIR_CUR && message->seen ? TW_EXPIRE_READ : TW_EXPIRE_UNREAD;
    case TW_FOLDER_SENT:
        return TW_EXPIRE_SENT;
    case TW_FOLDER_TRASH:
        return TW_EXPIRE_TRASH;
    case TW_FOLDER_SPAM:
        return TW_EXPIRE_SPAM;
    case TW_FOLDER_OTHER:
        break;
    }
    return TW_EXPIRE_NONE;
}

int64_t tw_expire_from_s(const struct tw_expire_rule *rule, enum tw_expire_class class,
                         const struct stat *st)
{
    const int64_t received_s = st->st_mtim.tv_sec, moved_s = st->st_ctim.tv_sec;
    return rule->received[class] || received_s > moved_s ? received_s : moved_s;
}

int64_t tw_expire_due_s(const struct tw_expire_rule *rule, enum tw_expire_class class, bool flagged,
                        const struct stat *st, int64_t now_s, bool *odd)
{
    if (class >= TW_EXPIRE_CLASSES || rule->limit_s[class] < 0)
        return INT64_MAX;
    if (flagged && !rule->flagged && class != TW_EXPIRE_TMP)
        return INT64_MAX;
    const int64_t from_s = tw_expire_from_s(rule, class, st);
    if (from_s < YEAR_1990_S || from_s > now_s + DAY_S)
        *odd = true;
    if (from_s < YEAR_1990_S)
        return INT64_MAX;
    int64_t due_s;
    return __builtin_add_overflow(from_s, rule->limit_s[class] + 1, &due_s) ? INT64_MAX : due_s;
}

/* ---- as a number -------------------------------------------------------------------------- */

uint64_t tw_expire_names_hash(const struct tw_expire_settings *settings)
{
    struct folder_lists lists = lists_of(settings);
    const uint64_t hash = tw_hash_strings(
        tw_hash_strings(tw_hash_strings(TW_HASH_START, &lists.trash), &lists.spam), &lists.sent);
    free_lists(&lists);
    return hash;
}

uint64_t tw_expire_rule_hash(const struct tw_expire_rule *rule, uint64_t names)
{
    uint64_t hash = tw_hash_number(names, rule->flagged);
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        hash = tw_hash_number(tw_hash_number(hash, rule->limit_s[class]), rule->received[class]);
    return hash;
}

uint64_t tw_expire_rules_hash(const char *text)
{
    return tw_hash(TW_HASH_START, text, strlen(text));
}
