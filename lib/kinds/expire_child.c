/* What the children with an owner's rights have in common. */
#include "kinds/expire_child.h"

#include "base/crew.h"

enum { BEAT_MS = 1000 };

void *tw_expire_next(struct tw_expire_view *view, struct tw_crew *crew, struct tw_voice *voice)
{
    long long before = atomic_load(&view->progress);
    while (!tw_crew_wait(crew, BEAT_MS)) {
        const long long now = atomic_load(&view->progress);
        if (now != before)
            tw_voice_say(voice);
        before = now;
    }
    return tw_crew_take(crew);
}
