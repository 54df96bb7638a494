/* What test mails say. Knows MIME and ZIP as far as it writes them.
 *
 * GTUBE and EICAR stand here in pieces, and in no binary in one: filters that look at files would
 * take the program away. They are put together in the message alone. */
#include "toaster/testmail.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/escape.h"
#include "toaster/mailhead.h"

#define BOUNDARY "=_toaster-test" /* which can stand in no base64 or quoted-printable text */

enum { EXTRA_MAX = 900, BASE64_LINE = 57 /* bytes that make 76 characters */ };

static const char *const gtube[] = {"XJS*C4JDBQ",  "ADN1.NSBN3*2IDN", "EN*GTUBE-STAN",
                                    "DARD-ANTI-U", "BE-TEST-EM",      "AIL*C.34X",
                                    NULL};
static const char *const eicar[] = {
    "X5O!P%@AP[4\\PZ", "X54(P^)7CC)", "7}$EICAR-STAN", "DARD-ANTIVI", "RUS-TEST-FI",
    "LE!$H+H*",        NULL};

static const struct {
    const char *name, *subject, *text, *expect;
} types[TW_TESTMAILS] = {
    [TW_TESTMAIL_CLEAN] =
        {"clean", "A test of this mail server: clean",
         "There is nothing in it that a filter may object to. If you read this in "
         "your\nInbox, mail arrives.\n",
         "should arrive in the Inbox"},
    [TW_TESTMAIL_SPAM] = {"spam", "A test of this mail server: spam",
                          "It holds the line by which spam filters are tested.\n",
                          "should arrive in the Spam folder or be refused"},
    [TW_TESTMAIL_VIRUS] = {"virus", "A test of this mail server: virus",
                           "Its second part is the file by which virus scanners are tested. It is "
                           "harmless.\n",
                           "should be refused or vanish"},
    [TW_TESTMAIL_ATTACH] = {"attach", "A test of this mail server: attachment",
                            "Attached is a file of a type that is often blocked. It is harmless.\n",
                            "should be refused or vanish, if attachments that are programs are "
                            "blocked"},
    [TW_TESTMAIL_CLAM] = {"clam", "A test of this mail server: virus in a zip file",
                          "Attached is a zip file that holds the file by which virus scanners are "
                          "tested.\nIt is harmless.\n",
                          "should be refused or vanish"},
};

const char *tw_testmail_name(enum tw_testmail type)
{
    return types[type].name;
}

const char *tw_testmail_expect(enum tw_testmail type)
{
    return types[type].expect;
}

bool tw_testmail_find(const char *name, enum tw_testmail *out)
{
    for (size_t i = 0; i < TW_TESTMAILS; i++)
        if (strcmp(types[i].name, name) == 0) {
            *out = (enum tw_testmail)i;
            return true;
        }
    return false;
}

char *tw_testmail_id(int64_t now_s)
{
    unsigned char bytes[16];
    struct tw_buf id = {0};
    arc4random_buf(bytes, sizeof bytes); /* which cannot fail */
    tw_buf_printf(&id, "%lld.", (long long)now_s);
    for (size_t i = 0; i < sizeof bytes; i++)
        tw_buf_printf(&id, "%02x", bytes[i]);
    return tw_buf_take(&id);
}

static void add_pieces(struct tw_buf *out, const char *const *pieces)
{
    for (; *pieces; pieces++)
        tw_buf_puts(out, *pieces);
}

/* ---- attachments -------------------------------------------------------------------------- */

static void add_base64(struct tw_buf *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    enum { FILL = 64 };
    for (size_t i = 0; i < length; i += 3) {
        const size_t left = length - i;
        const unsigned bits = (unsigned)bytes[i] << 16 |
                              (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                              (left > 2 ? (unsigned)bytes[i + 2] : 0);
        const char four[] = {digits[bits >> 18], digits[bits >> 12 & 63],
                             digits[left > 1 ? bits >> 6 & 63 : FILL],
                             digits[left > 2 ? bits & 63 : FILL]};
        tw_buf_add(out, four, sizeof four);
        if ((i + 3) % BASE64_LINE == 0 || left <= 3)
            tw_buf_puts(out, "\n");
    }
}

/* Numbers of a zip file: the lowest byte first. */
static void add_number(struct tw_buf *out, unsigned long number, int bytes)
{
    for (; bytes > 0; bytes--, number >>= 8) {
        const unsigned char byte = number & 0xff;
        tw_buf_add(out, &byte, 1);
    }
}

/* What the local header and the directory's entry have in common, "version needed" to "length of
 * the extra field" (APPNOTE.TXT, 4.3.7 and 4.3.12). */
static void add_zip_entry(struct tw_buf *out, const char *name, const struct tw_buf *data)
{
    const unsigned long crc = crc32(0, (const Bytef *)data->data, (uInt)data->len);
    add_number(out, 10, 2);   /* version 1.0 */
    add_number(out, 0, 2);    /* flags */
    add_number(out, 0, 2);    /* stored */
    add_number(out, 0, 2);    /* 00:00 */
    add_number(out, 0x21, 2); /* 1980-01-01 */
    add_number(out, crc, 4);
    add_number(out, data->len, 4);
    add_number(out, data->len, 4);
    add_number(out, strlen(name), 2);
    add_number(out, 0, 2); /* nothing extra */
}

/* A zip file with one member, which is stored. */
static void add_zip(struct tw_buf *out, const char *name, const struct tw_buf *data)
{
    tw_buf_puts(out, "PK\3\4");
    add_zip_entry(out, name, data);
    tw_buf_puts(out, name);
    tw_buf_add(out, data->data, data->len);
    const size_t directory = out->len;
    tw_buf_puts(out, "PK\1\2");
    add_number(out, 10, 2); /* made by version 1.0, for DOS */
    add_zip_entry(out, name, data);
    add_number(out, 0, 2); /* no comment */
    add_number(out, 0, 2); /* the first disk */
    add_number(out, 0, 2); /* attributes */
    add_number(out, 0, 4);
    add_number(out, 0, 4); /* where the member begins */
    tw_buf_puts(out, name);
    const size_t end = out->len;
    tw_buf_puts(out, "PK\5\6");
    add_number(out, 0, 4); /* disks */
    add_number(out, 1, 2);
    add_number(out, 1, 2); /* members */
    add_number(out, end - directory, 4);
    add_number(out, directory, 4);
    add_number(out, 0, 2); /* no comment */
}

static void make_com(struct tw_buf *out)
{
    /* int 20h: back to DOS. */
    tw_buf_puts(out, "\xcd\x20 toaster-watcher sends this to see whether it is let through.\r\n");
}

static void make_zip(struct tw_buf *out)
{
    struct tw_buf data = {0};
    add_pieces(&data, eicar);
    add_zip(out, "eicar.com", &data);
    tw_buf_free(&data);
}

static void add_attachment(struct tw_buf *out, const char *type, const char *name,
                           void (*make)(struct tw_buf *data))
{
    struct tw_buf data = {0};
    tw_buf_printf(out,
                  "\n--" BOUNDARY "\nContent-Type: %s; name=\"%s\"\n"
                  "Content-Transfer-Encoding: base64\n"
                  "Content-Disposition: attachment; filename=\"%s\"\n\n",
                  type, name, name);
    make(&data);
    add_base64(out, (const unsigned char *)data.data, data.len);
    tw_buf_free(&data);
}

/* ---- the message -------------------------------------------------------------------------- */

static void add_head(struct tw_buf *out, const char *subject, const struct tw_testmail_head *head)
{
    tw_buf_puts(out, "Date: ");
    tw_mailhead_date(out, head->now_s);
    tw_buf_puts(out, "\nFrom: ");
    tw_mailhead_text(out, head->from);
    tw_buf_puts(out, "\nTo: ");
    tw_mailhead_text(out, head->to);
    tw_buf_printf(out, "\nSubject: %s\nMessage-ID: ", subject);
    tw_mailhead_id(out, head->id, head->host);
    tw_buf_puts(out, "\n" TW_TESTMAIL_HEADER ": ");
    tw_mailhead_word(out, head->id);
    tw_buf_puts(out, "\nAuto-Submitted: auto-generated\n" /* RFC 3834: no vacation replies */
                     "MIME-Version: 1.0\n");
    for (const char *const *extra = head->extra; extra && *extra; extra++) {
        tw_escape(out, *extra, strlen(*extra), TW_ESCAPE_ASCII, EXTRA_MAX);
        tw_buf_puts(out, "\n");
    }
}

static void add_text(struct tw_buf *out, const char *text, const struct tw_testmail_head *head)
{
    tw_buf_puts(out, "Content-Type: text/plain; charset=us-ascii\n"
                     "Content-Transfer-Encoding: 7bit\n\n"
                     "Hello,\n\nthis is a test message from toaster-watcher on ");
    tw_mailhead_text(out, head->host);
    tw_buf_printf(out, ".\n%s\nYou need not answer it, and may delete it. Its number:\n", text);
    tw_mailhead_word(out, head->id);
    tw_buf_puts(out, "\n");
}

void tw_testmail_write(enum tw_testmail type, const struct tw_testmail_head *head,
                       struct tw_buf *out)
{
    const bool parts = type != TW_TESTMAIL_CLEAN && type != TW_TESTMAIL_SPAM;
    add_head(out, types[type].subject, head);
    if (parts)
        tw_buf_puts(out,
                    "Content-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\n\n--" BOUNDARY "\n");
    add_text(out, types[type].text, head);
    if (type == TW_TESTMAIL_SPAM) {
        tw_buf_puts(out, "\n");
        add_pieces(out, gtube);
        tw_buf_puts(out, "\n");
    } else if (type == TW_TESTMAIL_VIRUS) {
        /* A part by itself: scanners know EICAR at the beginning of a file only. */
        tw_buf_puts(out, "\n--" BOUNDARY "\nContent-Type: text/plain; charset=us-ascii\n"
                         "Content-Transfer-Encoding: 7bit\nContent-Disposition: inline\n\n");
        add_pieces(out, eicar);
    } else if (type == TW_TESTMAIL_ATTACH) {
        add_attachment(out, "application/octet-stream", "toaster-test.com", make_com);
    } else if (type == TW_TESTMAIL_CLAM) {
        add_attachment(out, "application/zip", "toaster-test.zip", make_zip);
    }
    if (parts)
        tw_buf_puts(out, "\n--" BOUNDARY "--\n");
}
