/* Packing and reading back, a piece at a time. Format: RFC 1952, which zlib writes and checks. */
#include "base/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"

enum {
    CHUNK = 64 * 1024,
    SYNC_BYTES = 8 * 1024 * 1024, /* so that no single sync takes long */
    LEVEL = 6,                    /* gzip's own */
    GZIP_WINDOW = 15 + 16         /* zlib.h: 16 makes it gzip's format */
};

struct work {
    z_stream z;
    int64_t at; /* in the plain file */
    int64_t packed, synced;
    unsigned char in[CHUNK], out[CHUNK], plain[CHUNK];
};

/* Up to `size` bytes from there: fewer only at the end. -1 with errno. */
static ssize_t read_at(int fd, void *to, size_t size, int64_t at)
{
    size_t got = 0;
    while (got < size) {
        const ssize_t n = pread(fd, (char *)to + got, size - got, at + (int64_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static size_t at_most(int64_t left)
{
    return left < CHUNK ? (size_t)left : CHUNK;
}

/* Writes out all that deflate makes of what is in `in`. */
static int squeeze(struct work *w, int to, int flush, struct tw_error *e)
{
    do {
        w->z.next_out = w->out;
        w->z.avail_out = CHUNK;
        if (deflate(&w->z, flush) == Z_STREAM_ERROR) {
            errno = EINVAL;
            return tw_fail(e, "cannot compress: zlib is in disorder");
        }
        const size_t made = CHUNK - w->z.avail_out;
        if (tw_write_all(to, w->out, made) != 0)
            return tw_fail_errno(e, "cannot write the compressed copy");
        w->packed += (int64_t)made;
    } while (w->z.avail_out == 0);
    if (w->packed - w->synced < SYNC_BYTES)
        return 0;
    w->synced = w->packed;
    return fdatasync(to) == 0 ? 0 : tw_fail_errno(e, "cannot sync the compressed copy");
}

static int pack(struct work *w, int from, int64_t size, int to, tw_gzip_beat *beat, void *context,
                struct tw_error *e)
{
    do {
        const size_t want = at_most(size - w->at);
        const ssize_t got = read_at(from, w->in, want, w->at);
        if (got < 0)
            return tw_fail_errno(e, "cannot read it");
        if ((size_t)got < want) {
            errno = ENODATA;
            return tw_fail(e, "it became shorter while it was read");
        }
        w->at += got;
        w->z.next_in = w->in;
        w->z.avail_in = (uInt)got;
        if (squeeze(w, to, w->at == size ? Z_FINISH : Z_NO_FLUSH, e) != 0 || beat(context, e) != 0)
            return -1;
    } while (w->at < size);
    return 0;
}

static int no_memory(struct tw_error *e)
{
    errno = ENOMEM;
    return tw_fail_errno(e, "cannot begin to compress");
}

int tw_gzip_pack(int from, int64_t size, int to, tw_gzip_beat *beat, void *context,
                 struct tw_error *e)
{
    struct work *w = tw_alloc(sizeof *w);
    int result;
    if (deflateInit2(&w->z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL - 1,
                     Z_DEFAULT_STRATEGY) == Z_OK) {
        result = pack(w, from, size, to, beat, context, e);
        const int why = errno;
        deflateEnd(&w->z);
        errno = why;
    } else {
        result = no_memory(e);
    }
    const int why = errno;
    free(w);
    errno = why;
    return result;
}

static int differs(struct tw_error *e, const char *what)
{
    errno = EBADMSG;
    return tw_fail(e, "the compressed copy %s", what);
}

/* What inflate has put out is what stands in the plain file. */
static int compare(struct work *w, int plain, int64_t size, struct tw_error *e)
{
    const size_t made = CHUNK - w->z.avail_out;
    if ((int64_t)made > size - w->at)
        return differs(e, "holds more than the file");
    const ssize_t got = read_at(plain, w->plain, made, w->at);
    if (got < 0)
        return tw_fail_errno(e, "cannot read it");
    if ((size_t)got < made || memcmp(w->plain, w->out, made) != 0)
        return differs(e, "holds something else than the file");
    w->at += got;
    return 0;
}

/* 1: the stream has ended. */
static int expand(struct work *w, int plain, int64_t size, struct tw_error *e)
{
    do {
        w->z.next_out = w->out;
        w->z.avail_out = CHUNK;
        const int got = inflate(&w->z, Z_NO_FLUSH);
        if (got == Z_MEM_ERROR)
            return no_memory(e);
        if (got != Z_OK && got != Z_STREAM_END && got != Z_BUF_ERROR)
            return differs(e, "is damaged");
        if (compare(w, plain, size, e) != 0)
            return -1;
        if (got == Z_STREAM_END)
            return 1;
    } while (w->z.avail_out == 0);
    return 0;
}

static int same(struct work *w, int packed, int plain, int64_t size, tw_gzip_beat *beat,
                void *context, struct tw_error *e)
{
    for (int ended = 0;;) {
        const ssize_t got = read_at(packed, w->in, CHUNK, w->packed);
        if (got < 0)
            return tw_fail_errno(e, "cannot read the compressed copy");
        if (ended && got > 0)
            return differs(e, "has something behind its end");
        if (ended)
            return w->at == size ? 0 : differs(e, "holds less than the file");
        if (got == 0)
            return differs(e, "is cut off");
        w->z.next_in = w->in;
        w->z.avail_in = (uInt)got;
        ended = expand(w, plain, size, e);
        if (ended < 0 || beat(context, e) != 0)
            return -1;
        w->packed += got - w->z.avail_in;
    }
}

int tw_gzip_same(int packed, int plain, int64_t size, tw_gzip_beat *beat, void *context,
                 struct tw_error *e)
{
    struct work *w = tw_alloc(sizeof *w);
    int result;
    if (inflateInit2(&w->z, GZIP_WINDOW) == Z_OK) {
        result = same(w, packed, plain, size, beat, context, e);
        const int why = errno;
        inflateEnd(&w->z);
        errno = why;
    } else {
        result = no_memory(e);
    }
    const int why = errno;
    free(w);
    errno = why;
    return result;
}
