/* Patterns of addresses. */
#include "toaster/address.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

int tw_address_check(const char *pattern, struct tw_error *e)
{
    const char *at = strchr(pattern, '@');
    bool good = at && at != pattern && at[1] && !strchr(at + 1, '@');
    for (const char *c = pattern; *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f || (*c == '*' && (c != pattern || c[1] != '@')))
            good = false;
    return good ? 0
                : tw_fail(e, "\"%.200s\" is no pattern: write user@domain or *@domain", pattern);
}

enum tw_address_match tw_address_matches(const char *pattern, const char *address)
{
    const char *at = strrchr(address, '@');
    if (pattern[0] == '*' && pattern[1] == '@')
        return at && strcasecmp(pattern + 1, at) == 0 ? TW_ADDRESS_DOMAIN : TW_ADDRESS_OTHER;
    return strcasecmp(pattern, address) == 0 ? TW_ADDRESS_EXACT : TW_ADDRESS_OTHER;
}
