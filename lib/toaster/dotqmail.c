/* The lines of a .qmail file. Knows no files, and not whose mail it is. */
#include "toaster/dotqmail.h"

#include <string.h>

#include "base/mem.h"

/* qmail-queue refuses an address of 1003 bytes and more, the domain that is put to it included. */
enum { ADDRESS_MAX = 1002 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_text(const struct tw_dotqmail_line *line, const char *text)
{
    return line->length == strlen(text) && memcmp(line->text, text, line->length) == 0;
}

static void drop_first(struct tw_dotqmail_line *line)
{
    line->text++;
    line->length--;
}

static enum tw_dotqmail_type type_of(const struct tw_dotqmail_line *line)
{
    switch (line->length ? line->text[0] : '\0') {
    case '\0':
        return TW_DOTQMAIL_BLANK;
    case '#':
        return TW_DOTQMAIL_COMMENT;
    case '|':
        return TW_DOTQMAIL_PROGRAM;
    case '.':
    case '/':
        return line->text[line->length - 1] == '/' ? TW_DOTQMAIL_MAILDIR : TW_DOTQMAIL_MBOX;
    case '+':
        return is_text(line, "+list") ? TW_DOTQMAIL_LIST : TW_DOTQMAIL_IGNORED;
    default:
        return TW_DOTQMAIL_FORWARD;
    }
}

bool tw_dotqmail_next(struct tw_dotqmail *file, struct tw_dotqmail_line *line)
{
    if (file->at >= file->length || file->number == TW_DOTQMAIL_LINES)
        return false;
    const char *start = file->bytes + file->at;
    const char *end = memchr(start, '\n', file->length - file->at);
    size_t length = end ? (size_t)(end - start) : file->length - file->at;
    file->at += length + 1;
    while (length > 0 && is_blank(start[length - 1]))
        length--;
    *line = (struct tw_dotqmail_line){.number = ++file->number, .text = start, .length = length};
    line->type = type_of(line);
    if (line->type == TW_DOTQMAIL_PROGRAM ||
        (line->type == TW_DOTQMAIL_FORWARD && line->text[0] == '&'))
        drop_first(line);
    return true;
}

static const char *domain_fault(const char *domain, size_t length)
{
    if (length == 0)
        return "nothing stands after the @";
    if (domain[0] == '.' || memmem(domain, length, "..", 2))
        return "its domain has a dot too many";
    return NULL;
}

const char *tw_dotqmail_address_fault(const char *text, size_t length)
{
    const char *at = NULL;
    if (length == 0)
        return "nothing stands there";
    if (length > ADDRESS_MAX)
        return "it is too long for qmail";
    for (const char *c = text; c < text + length; c++) {
        if (is_blank(*c))
            return "it has a space";
        if ((unsigned char)*c < ' ' || *c == '\x7f')
            return "it has a control character";
        if (*c == '<' || *c == '>')
            return "it has angle brackets";
        if (*c == ',')
            return "it has a comma: each address needs a line of its own";
        if (*c == '@' && at)
            return "it has more than one @";
        if (*c == '@')
            at = c;
    }
    if (!at)
        return NULL;
    return at == text ? "nothing stands before the @"
                      : domain_fault(at + 1, length - (size_t)(at + 1 - text));
}

static const char *line_fault(const struct tw_dotqmail_line *line)
{
    if (line->length && line->text[line->length - 1] == '\r')
        return "it ends with a carriage return, as lines written on Windows do";
    if (line->type == TW_DOTQMAIL_FORWARD)
        return tw_dotqmail_address_fault(line->text, line->length);
    return NULL;
}

/* Of several the gravest counts, and of those the first. */
static void note(struct tw_dotqmail_summary *out, enum tw_dotqmail_fault fault,
                 const struct tw_dotqmail_line *line, const char *why)
{
    if (fault >= out->fault)
        return;
    out->fault = fault;
    out->line = *line;
    out->why = why;
}

static void judge_delivery(struct tw_dotqmail_summary *out, const struct tw_dotqmail_line *line,
                           bool forward_only)
{
    const bool forward = line->type == TW_DOTQMAIL_FORWARD;
    if (forward)
        out->forwards++;
    else if (line->type != TW_DOTQMAIL_PROGRAM)
        out->files++;
    else if (line->length) /* a lone '|' runs a shell that does nothing */
        out->programs++;
    if (forward_only && !forward)
        note(out, TW_DOTQMAIL_FORWARD_ONLY, line, NULL);
    const char *why = line_fault(line);
    if (why)
        note(out, TW_DOTQMAIL_BAD_LINE, line, why);
}

void tw_dotqmail_judge(const char *bytes, size_t length, bool x_bit,
                       struct tw_dotqmail_summary *out)
{
    struct tw_dotqmail file = {.bytes = bytes, .length = length};
    struct tw_dotqmail_line line;
    const struct tw_dotqmail_line whole = {.text = ""};
    *out = (struct tw_dotqmail_summary){.fault = TW_DOTQMAIL_SOUND, .line = whole};
    while (tw_dotqmail_next(&file, &line)) {
        if (line.type == TW_DOTQMAIL_LIST)
            x_bit = true;
        else if (line.type == TW_DOTQMAIL_IGNORED)
            note(out, TW_DOTQMAIL_PLUS_LINE, &line, NULL);
        else if (line.type == TW_DOTQMAIL_BLANK && line.number == 1)
            note(out, TW_DOTQMAIL_BLANK_FIRST, &line, NULL);
        else if (line.type != TW_DOTQMAIL_BLANK && line.type != TW_DOTQMAIL_COMMENT)
            judge_delivery(out, &line, x_bit);
    }
    if (length == 0)
        note(out, TW_DOTQMAIL_EMPTY, &whole, NULL);
    else if (file.at < length)
        note(out, TW_DOTQMAIL_TOO_MANY, &whole, NULL);
    else if (!out->forwards && !out->programs && !out->files)
        note(out, TW_DOTQMAIL_NO_DELIVERY, &whole, NULL);
}

char *tw_dotqmail_name(const char *local, size_t length)
{
    char *name = tw_strndup(local, length);
    for (char *c = name; *c; c++)
        if (*c == '.')
            *c = ':';
        else if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return name;
}

bool tw_dotqmail_file(const char *name, size_t step, struct tw_buf *out)
{
    tw_buf_clear(out);
    if (step == 0) {
        tw_buf_printf(out, ".qmail-%s", name);
        return true;
    }
    for (size_t length = strlen(name) + 1; length-- > 0;)
        if ((length == 0 || name[length - 1] == '-') && --step == 0) {
            tw_buf_printf(out, ".qmail-%.*sdefault", (int)length, name);
            return true;
        }
    return false;
}
