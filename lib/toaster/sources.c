/* The keys of the section `mailboxes`. */
#include "toaster/sources.h"

#include <stddef.h>
#include <string.h>

#include "toaster/address.h"

#define AT(member) offsetof(struct tw_sources, member)

const struct tw_option tw_sources_options[] = {
    {"vpopmail", TW_OPT_PATH, AT(vpopmail)},
    {"glob", TW_OPT_LIST, AT(glob)},
    {"passwd", TW_OPT_BOOL, AT(passwd), .fallback = "no"},
    {"exclude", TW_OPT_LIST, AT(exclude)},
    {"uids", TW_OPT_LIST, AT(uids)},
    {NULL},
};

/* Each part is a name, or %d or %u and what stands around it; nothing else in it is a pattern. */
static int check_glob(const char *value, struct tw_error *e)
{
    static const char how[] = "write one like \"/srv/mail/%d/%u/Maildir\"";
    size_t users = 0, domains = 0;
    if (value[0] != '/')
        return tw_fail(e, "\"%.200s\" is not a full path: %s", value, how);
    for (const char *at = value; *at; at++) {
        if (strchr("*?[", *at))
            return tw_fail(e, "\"%.200s\": %%d and %%u are all that may vary in it: %s", value,
                           how);
        if (*at != '%')
            continue;
        users += at[1] == 'u';
        domains += at[1] == 'd';
        if (at[1] != 'u' && at[1] != 'd')
            return tw_fail(e, "\"%.200s\": only %%d and %%u may stand behind a %%: %s", value, how);
    }
    if (users != 1 || domains > 1)
        return tw_fail(e, "\"%.200s\" must have one %%u and at most one %%d: %s", value, how);
    if (strstr(value, "/../") || strstr(value, "/./") || strstr(value, "//"))
        return tw_fail(e, "\"%.200s\" has an empty part, or one of dots: %s", value, how);
    return 0;
}

static int check_uid(const char *value, struct tw_error *e)
{
    const size_t length = strlen(value);
    if (length == 0 || length > 9 || strspn(value, "0123456789") != length || value[0] == '0')
        return tw_fail(e, "\"%.40s\" is no uid: write a number from 1 on", value);
    return 0;
}

int tw_sources_check(const char *key, const char *value, struct tw_error *e)
{
    if (strcmp(key, "glob") == 0)
        return check_glob(value, e);
    if (strcmp(key, "exclude") == 0)
        return tw_address_check(value, e);
    if (strcmp(key, "uids") == 0)
        return check_uid(value, e);
    return 0;
}
