/* What the kind `service` remembers of pids. Knows nothing of supervise. */
#include "kinds/servicememory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *parse_history(const char *at, struct tw_service_history *h)
{
    char *end;
    h->pid = strtoll(at, &end, 10);
    while (*end == ',' && h->count < TW_STARTS_MAX)
        h->starts[h->count++] = strtoll(end + 1, &end, 10);
    return end;
}

static void write_history(struct tw_buf *out, const struct tw_service_history *h)
{
    tw_buf_printf(out, "%" PRId64, h->pid);
    for (size_t i = 0; i < h->count; i++)
        tw_buf_printf(out, ",%" PRId64, h->starts[i]);
}

struct tw_service_memory tw_service_memory_parse(const char *text)
{
    struct tw_service_memory m = {0};
    const char *rest = parse_history(text, &m.main);
    if (*rest == ' ')
        parse_history(rest + 1, &m.log);
    return m;
}

void tw_service_memory_write(struct tw_buf *out, const struct tw_service_memory *memory)
{
    write_history(out, &memory->main);
    tw_buf_puts(out, " ");
    write_history(out, &memory->log);
}

bool tw_service_take_pid(struct tw_service_history *h, pid_t pid, int64_t now_s, int64_t within_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->starts[i] > now_s - within_s && h->starts[i] <= now_s)
            h->starts[kept++] = h->starts[i];
    h->count = kept;
    if (pid == 0 || pid == h->pid)
        return false;
    const bool restarted = h->pid != 0;
    h->pid = pid;
    if (!restarted)
        return false;
    if (h->count == TW_STARTS_MAX) {
        memmove(h->starts, h->starts + 1, (TW_STARTS_MAX - 1) * sizeof h->starts[0]);
        h->count--;
    }
    h->starts[h->count++] = now_s;
    return true;
}
