/* Names of messages. Runs for every message of a store, so it goes over a name once. */
#include "toaster/message.h"

#include <string.h>

/* Whoever names his messages may claim what he likes, and sizes are added up. */
static const int64_t size_max = (int64_t)1 << 40;

static int64_t parse_size(const char *text, const char *end)
{
    int64_t size = 0;
    const char *at = text;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        size = size * 10 + (*at - '0');
        if (size > size_max)
            return -1;
    }
    return at == text || (at < end && *at != ',') ? -1 : size;
}

static void take_flag(char flag, struct tw_message *out)
{
    out->seen = out->seen || flag == 'S';
    out->flagged = out->flagged || flag == 'F';
    out->trashed = out->trashed || flag == 'T';
    out->draft = out->draft || flag == 'D';
    out->replied = out->replied || flag == 'R';
    out->passed = out->passed || flag == 'P';
}

bool tw_message_parse(const char *name, struct tw_message *out)
{
    *out = (struct tw_message){.size_bytes = -1};
    if (name[0] == '.')
        return false;
    const char *colon = strrchr(name, ':');
    const char *end = colon ? colon : name + strlen(name);
    const char *size = strstr(name, ",S=");
    if (size && size < end)
        out->size_bytes = parse_size(size + 3, end);
    if (colon && colon[1] == '2' && colon[2] == ',')
        for (const char *flag = colon + 3; *flag; flag++)
            take_flag(*flag, out);
    return true;
}
