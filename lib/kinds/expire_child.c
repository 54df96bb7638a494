/* What the children with an owner's rights have in common. */
#include "kinds/expire_child.h"

#include "base/clock.h"
#include "base/crew.h"
#include "base/file.h"

enum { SEND_BYTES = 32768, BEAT_MS = 1000 };

struct tw_expire_voice tw_expire_voice(int fd)
{
    return (struct tw_expire_voice){.fd = fd, .sent_ms = tw_clock_ms()};
}

static void send_all(struct tw_expire_voice *voice)
{
    if (!voice->failed && tw_write_all(voice->fd, voice->out.data, voice->out.len) != 0)
        voice->failed = true;
    tw_buf_clear(&voice->out);
    voice->sent_ms = tw_clock_ms();
}

void tw_expire_say(struct tw_expire_voice *voice)
{
    if (voice->out.len < SEND_BYTES && tw_clock_ms() - voice->sent_ms < BEAT_MS)
        return;
    if (voice->out.len == 0)
        tw_expire_put_sign(&voice->out, TW_EXPIRE_BEAT);
    send_all(voice);
}

int tw_expire_said(struct tw_expire_voice *voice, struct tw_error *e)
{
    send_all(voice);
    tw_buf_free(&voice->out);
    return voice->failed ? tw_fail(e, "nobody listens to a child") : 0;
}

void *tw_expire_next(struct tw_expire_view *view, struct tw_crew *crew,
                     struct tw_expire_voice *voice)
{
    long long before = atomic_load(&view->progress);
    while (!tw_crew_wait(crew, BEAT_MS)) {
        const long long now = atomic_load(&view->progress);
        if (now != before)
            tw_expire_say(voice);
        before = now;
    }
    return tw_crew_take(crew);
}
